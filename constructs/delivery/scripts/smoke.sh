# Asks for a path of a stage that was just deployed until it answers as it
# should, and fails when it does not in time. What is asked for comes from the
# outputs of the stage's stack, without the slash that an address may end with.
set -euo pipefail

url=${STAGE_URL%/}$TINYSTACK_PATH
left=$TINYSTACK_SMOKE_SECONDS
while true; do
  if status=$(curl --silent --show-error --globoff --max-time 10 --output /dev/null --write-out '%{http_code}' "$url"); then
    if [ "$status" = "$TINYSTACK_STATUS" ]; then
      echo "$url answered $status"
      exit 0
    fi
    echo "$url answered $status, not $TINYSTACK_STATUS"
  fi
  if [ "$left" -le 0 ]; then
    echo "$url did not answer $TINYSTACK_STATUS within $TINYSTACK_SMOKE_SECONDS seconds: the commit stops in $STAGE_NAME" >&2
    exit 1
  fi
  sleep 5
  left=$((left - 5))
  # A request that hangs takes time, too.
  if [ "$left" -gt "$((TINYSTACK_SMOKE_SECONDS - SECONDS))" ]; then
    left=$((TINYSTACK_SMOKE_SECONDS - SECONDS))
  fi
done
