# Writes down what a deployment would change: the stacks of the execution's
# templates beside those that are deployed, read with the bootstrapping's role
# for look-ups. A stack that is not there yet is all new.
#
# TINYSTACK_STACKS holds one pattern of stacks a line.
cdk_for .

patterns=()
while IFS= read -r pattern; do
  patterns+=("$pattern")
done <<<"$TINYSTACK_STACKS"

id=${CODEBUILD_BUILD_ID#*:}
key=$TINYSTACK_REVIEWS/$id.txt
report=$(mktemp)
if ! "$cdk" --app . diff "${patterns[@]}" --exclusively --method=template --ci --no-color --no-notices >"$report" 2>&1; then
  cat "$report"
  exit 1
fi
cat "$report"
changed=$(sed -n 's/.*Number of stacks with differences: \([0-9][0-9]*\).*/\1/p' "$report")
[ -n "$changed" ] || fail "cdk diff did not say how many stacks change"
aws s3 cp --region "$AWS_REGION" --only-show-errors --content-type 'text/plain; charset=utf-8' "$report" "s3://$S3_BUCKET/$key"
echo "$key" >tinystack-review
echo "$changed" >tinystack-changed
