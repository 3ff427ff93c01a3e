#!/bin/sh
# The machine ends itself when nobody else does. What its end is, stop or terminate, AWS was told at creation.
# shellcheck source=/dev/null
. /etc/slipway/guard
now=$(date +%s)
mkdir -p /run/slipway
[ -s /run/slipway/booted ] || echo "$now" > /run/slipway/booted
born=$(cat /var/lib/slipway/born)
booted=$(cat /run/slipway/booted)
if [ "$TTL_S" -gt 0 ] && [ $((now - born)) -ge "$TTL_S" ]; then
  # Started again after its end: whoever did that has five minutes to tell it a later one.
  if [ $((booted - born)) -ge "$TTL_S" ] && [ $((now - booted)) -lt 300 ]; then exit 0; fi
  why="its time of $TTL_S s is over"
elif [ ! -e /var/lib/slipway/settled ] && [ $((now - booted)) -ge "$SETUP_S" ]; then
  why="it was not finished within $SETUP_S s"
else
  exit 0
fi
echo "slipway: this machine ends itself: $why" | tee /dev/console
systemctl poweroff
