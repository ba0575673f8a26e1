# How many cents go back to the customer: what is asked for, but no more than is left.
# usage: refund PAID REFUNDED ASKED
refund() {
	left=$(($1 - $2))
	if [ "$3" -le "$left" ]; then echo "$3"; else echo "$left"; fi
}
