# How many cents go back to the customer: what is asked for, but no more than is left.
# usage: refund PAID REFUNDED ASKED
refund() {
	paid=$1 refunded=$2 asked=$3
	left=$((paid - refunded))
	if [ "$asked" -le "$left" ]; then echo "$asked"; else echo "$left"; fi
}
