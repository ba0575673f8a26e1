# Whether one more guest fits in.
# usage: reserve TAKEN SEATS
reserve() {
	if [ "$1" -lt "$2" ]; then echo yes; else echo no; fi
}
