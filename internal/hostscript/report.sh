# Reports how full the table of connections is, in percent, as the metric $3 $4
# of the region $1, at the host $2. Its silence says that this instance is dead.
used=$(<"${PROC:-/proc}/sys/net/netfilter/nf_conntrack_count")
most=$(<"${PROC:-/proc}/sys/net/netfilter/nf_conntrack_max")
answer=$(request monitoring "$1" "$2" Action=PutMetricData Version=2010-08-01 \
  "Namespace=$3" "MetricData.member.1.MetricName=$4" MetricData.member.1.Unit=Percent \
  "MetricData.member.1.Value=$((used * 100 / most))")
[[ $answer == *$'\n'200 ]] || {
  echo "$answer"
  exit 1
}
