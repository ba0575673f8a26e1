. src/payments/refund.sh

expect 'refunds what is asked for' 40 "$(refund 100 0 40)"
expect 'refunds the rest later on' 60 "$(refund 100 40 60)"
expect 'refunds only once' 0 "$(refund 100 100 100)"
