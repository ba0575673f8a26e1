. src/bookings/reserve.sh

expect 'takes a guest while there is room' yes "$(reserve 9 10)"
expect 'never books the last seat twice' no "$(reserve 10 10)"
