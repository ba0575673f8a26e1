. src/payments/refund.sh

expect 'refunds what is asked for' 400 "$(refund 1000 0 400)"
expect 'refunds the rest in a second part' 600 "$(refund 1000 400 600)"
expect 'never refunds a payment twice' 0 "$(refund 1000 1000 1000)"
