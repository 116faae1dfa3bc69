#!/bin/sh
# Played: signs in to foundryvtt.com.
echo "login $1" >> "$CALLS"
[ "$2" = "${PLAYED_PASSWORD:-secret}" ] || exit 1
echo '{}' > "$3"
