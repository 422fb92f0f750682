# Says whether the ECS agent has registered this instance in its cluster.
registered() { curl -sf -m 5 http://127.0.0.1:51678/v1/metadata | grep -q '"ContainerInstanceArn" *: *"arn:'; }

# Waits for that, twelve minutes at most, and tells CloudFormation.
status=FAILURE
for _ in {1..72}; do
  if registered; then
    status=SUCCESS
    break
  fi
  sleep 10
done
signal "$status" "$@"
