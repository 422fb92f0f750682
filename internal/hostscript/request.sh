# Asks the metadata service of this instance.
metadata() {
  local token
  token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' http://169.254.169.254/latest/api/token) || return
  curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"
}

# Takes a field out of the credentials, which are JSON with a field in each line.
credential() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" <<<"$credentials"; }

# Sends a request to a service of AWS as this instance's role:
# request SERVICE REGION HOST PARAMETER=VALUE… It prints the answer, and its HTTP
# status on a line of its own at the end. Keys go to curl by its standard input,
# so that they stand in no list of processes.
request() {
  local service=$1 region=$2 host=$3 role credentials parameter data=()
  shift 3
  role=$(metadata iam/security-credentials/) && credentials=$(metadata "iam/security-credentials/$role") || return
  for parameter in "$@"; do data+=(--data-urlencode "$parameter"); done
  curl -s -m 30 -w '\n%{http_code}\n' --config - --aws-sigv4 "aws:amz:$region:$service" "${data[@]}" "https://$host/" <<CONFIG
user = "$(credential AccessKeyId):$(credential SecretAccessKey)"
header = "x-amz-security-token: $(credential Token)"
CONFIG
}

# Tells CloudFormation how this instance fares: signal STATUS REGION HOST STACK
# RESOURCE. Where nothing waits for it, as when the group grew by itself,
# CloudFormation answers with a ValidationError, and that is well.
signal() {
  local status=$1 region=$2 host=$3 stack=$4 resource=$5 instance answer attempt
  for attempt in {1..24}; do
    instance=$(metadata instance-id) &&
      answer=$(request cloudformation "$region" "$host" Action=SignalResource Version=2010-05-15 \
        "StackName=$stack" "LogicalResourceId=$resource" "UniqueId=$instance" "Status=$status") || answer="no answer"
    case $answer in
    *$'\n'200)
      echo "signalled $status"
      return
      ;;
    *ValidationError*)
      echo "nothing waits for a signal: $answer"
      return
      ;;
    esac
    echo "attempt $attempt: $answer"
    sleep 5
  done
  return 1
}
