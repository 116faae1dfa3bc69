#!/bin/sh
# Played: the address from which a release can be loaded for a while.
case $1 in --retry=*) shift ;; esac
[ -f "$1" ] || exit 1
echo "address $2" >> "$CALLS"
echo "$PLAYED_ADDRESS"
