# Wakes a stage that sleeps between releases, or lets it sleep again. What is in
# the stage is read from its stack; how many tasks a service has awake, from a
# tag of the service.
#
# TINYSTACK_MODE is wake (before a deployment; the very first finds nothing
# there), awake (after it: all has to run), sleep, or failed (sleep, unless a
# deployment to the stage is under way, which ends with a sleep of its own).
set -euo pipefail

AWS_CONFIG_FILE=$(mktemp)
export AWS_CONFIG_FILE AWS_MAX_ATTEMPTS=10 AWS_RETRY_MODE=standard
printf '[profile stage]\nrole_arn = %s\ncredential_source = EcsContainer\n' "$TINYSTACK_SLEEP_ROLE" >"$AWS_CONFIG_FILE"

stage() {
  aws "$@" --profile stage --region "$STAGE_REGION"
}

if [ "$TINYSTACK_MODE" = failed ] || [ "$TINYSTACK_MODE" = sleep ]; then
  # A stage that is taken back is deployed to again, at once.
  [ "$TINYSTACK_MODE" = sleep ] || sleep 120
  state=$(aws codepipeline get-pipeline-state --name "$TINYSTACK_PIPELINE" --region "$AWS_REGION" \
    --query "stageStates[?stageName=='$TINYSTACK_DEPLOYS'].latestExecution.status" --output text)
  if [ "$state" = InProgress ]; then
    echo "a commit is on its way through $STAGE_NAME, which sleeps after that"
    exit 0
  fi
fi

if [ "$TINYSTACK_MODE" = wake ] && ! stage cloudformation describe-stacks --stack-name "$TINYSTACK_STACK" --query 'Stacks[0].StackName' --output text; then
  echo "$TINYSTACK_STACK cannot be seen: a first deployment makes it, awake"
  exit 0
fi

resources() { # type
  stage cloudformation list-stack-resources --stack-name "$TINYSTACK_STACK" \
    --query "StackResourceSummaries[?ResourceType=='$1'].[PhysicalResourceId]" --output text
}

groups=$(resources AWS::AutoScaling::AutoScalingGroup)
services=$(resources AWS::ECS::Service)
[ -n "$groups" ] && [ -n "$services" ] || {
  echo "$TINYSTACK_STACK has no instances or no services" >&2
  exit 1
}

size() { # group least desired
  stage autoscaling update-auto-scaling-group --auto-scaling-group-name "$1" --min-size "$2" --desired-capacity "$3"
}

# scaling lets the number of a service's tasks follow its load, or not.
scaling() { # service suspended
  known=$(stage application-autoscaling describe-scalable-targets --service-namespace ecs \
    --resource-ids "$1" --query 'length(ScalableTargets)' --output text)
  [ "$known" = 0 ] || stage application-autoscaling register-scalable-target --service-namespace ecs \
    --resource-id "$1" --scalable-dimension ecs:service:DesiredCount \
    --suspended-state "DynamicScalingInSuspended=$2,DynamicScalingOutSuspended=$2,ScheduledScalingSuspended=$2" >/dev/null
}

tasks() { # service count
  path=${1#*:service/}
  stage ecs update-service --cluster "${path%%/*}" --service "$1" --desired-count "$2" --query service.desiredCount --output text
}

case $TINYSTACK_MODE in
  wake | awake)
    for group in $groups; do
      desired=$(stage autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$group" \
        --query 'AutoScalingGroups[0].DesiredCapacity' --output text)
      [ "$desired" -ge "$TINYSTACK_DESIRED" ] || desired=$TINYSTACK_DESIRED
      size "$group" "$TINYSTACK_LEAST" "$desired"
    done
    for service in $services; do
      path=${service#*:service/}
      numbers=$(stage ecs describe-services --cluster "${path%%/*}" --services "$service" --include TAGS \
        --query "services[0].[desiredCount, tags[?key=='tinystack:awake'].value | [0]]" --output text)
      read -r desired awake <<<"$numbers"
      # A service that is not tagged yet comes with a deployment of its own.
      if [ "$awake" != None ] && [ "$desired" -lt "$awake" ]; then
        tasks "$service" "$awake"
      fi
      scaling "service/$path" false
    done
    for service in $services; do
      path=${service#*:service/}
      if stage ecs wait services-stable --cluster "${path%%/*}" --services "$service"; then
        echo "${path#*/} is awake"
      elif [ "$TINYSTACK_MODE" = wake ]; then
        # What is to be deployed may be the cure.
        echo "${path#*/} does not come up as it is"
      else
        echo "${path#*/} did not come up in $STAGE_NAME: the commit stops here" >&2
        exit 1
      fi
    done
    ;;
  *)
    for service in $services; do
      scaling "service/${service#*:service/}" true
      tasks "$service" 0
    done
    for group in $groups; do
      size "$group" 0 0
    done
    echo "$STAGE_NAME sleeps"
    ;;
esac
