# Waits while a stage runs a new commit, and fails as soon as one of its alarms
# does. An alarm that does not exist fails, too: a gate that watches nothing
# would let everything through.
#
# TINYSTACK_ALARMS holds one name a line. TINYSTACK_SETTLE_SECONDS is how long
# alarms that are raised in the beginning may last.
set -euo pipefail

fail() {
  echo "$*" >&2
  exit 1
}

alarms=()
while IFS= read -r name; do
  [ -z "$name" ] || alarms+=("$name")
done <<<"${TINYSTACK_ALARMS:-}"

if [ "${#alarms[@]}" -gt 0 ]; then
  # The CLI assumes the role by itself and again when the session ends, which
  # a session assumed from another one does after an hour at the latest.
  AWS_CONFIG_FILE=$(mktemp)
  export AWS_CONFIG_FILE AWS_PROFILE=gate AWS_MAX_ATTEMPTS=10 AWS_RETRY_MODE=standard
  printf '[profile gate]\nrole_arn = %s\ncredential_source = EcsContainer\n' "$TINYSTACK_GATE_ROLE" >"$AWS_CONFIG_FILE"
fi

check() {
  unsettled=
  [ "${#alarms[@]}" -gt 0 ] || return 0
  states=$(aws cloudwatch describe-alarms --region "$STAGE_REGION" --alarm-names "${alarms[@]}" \
    --query 'MetricAlarms[].[AlarmName,StateValue]' --output text)
  for name in "${alarms[@]}"; do
    state=missing
    while IFS=$'\t' read -r alarm value; do
      [ "$alarm" != "$name" ] || state=$value
    done <<<"$states"
    case $state in
      ALARM) [ "$settle" -gt 0 ] || fail "$name went into alarm in $STAGE_NAME: the commit stops here"
        unsettled=$name
        ;;
      missing) fail "there is no alarm $name in $STAGE_REGION" ;;
    esac
  done
}

echo "watching ${#alarms[@]} alarms of $STAGE_NAME for $TINYSTACK_BAKE_SECONDS seconds"
left=$TINYSTACK_BAKE_SECONDS
settle=${TINYSTACK_SETTLE_SECONDS:-0}
check
# A stage that just woke may have alarms from its sleep.
while [ -n "$unsettled" ]; do
  echo "$unsettled is in alarm since the stage slept"
  sleep 30
  settle=$((settle - 30))
  check
done
settle=0
while [ "$left" -gt 0 ]; do
  pause=$((left < 30 ? left : 30))
  sleep "$pause"
  left=$((left - pause))
  check
done
echo "$STAGE_NAME ran quietly for $TINYSTACK_BAKE_SECONDS seconds"
