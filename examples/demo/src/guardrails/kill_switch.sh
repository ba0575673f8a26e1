# Whether customers may be charged: only where the kill switch is known to be off.
# usage: may_charge SWITCH
may_charge() {
	if [ "$1" = off ]; then echo yes; else echo no; fi
}
