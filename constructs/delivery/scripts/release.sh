# Puts the stage's name on the images of the commit that the stage now runs, in
# the pipeline's region and in the stage's own. Only the tag moves: the manifest
# goes back to ECR as it is.
#
# TINYSTACK_IMAGES holds repository=variable pairs: the variable with the commit.
set -euo pipefail

fail() {
  echo "$*" >&2
  exit 1
}

image() { # region repository tag query
  aws ecr batch-get-image --region "$1" --repository-name "$2" --image-ids "imageTag=$3" \
    --query "images[0].$4" --output text
}

for region in $TINYSTACK_REGIONS; do
  for pair in $TINYSTACK_IMAGES; do
    repository=${pair%%=*}
    variable=${pair#*=}
    commit=${!variable}
    digest=$(image "$region" "$repository" "$commit" imageId.imageDigest)
    [ "$digest" != None ] || fail "$repository:$commit is not in $region"
    current=$(image "$region" "$repository" "$STAGE_NAME" imageId.imageDigest)
    if [ "$current" = "$digest" ]; then
      echo "$repository:$STAGE_NAME is $commit in $region already"
      continue
    fi
    manifest=$(image "$region" "$repository" "$commit" imageManifest)
    type=$(image "$region" "$repository" "$commit" imageManifestMediaType)
    aws ecr put-image --region "$region" --repository-name "$repository" --image-tag "$STAGE_NAME" \
      --image-digest "$digest" --image-manifest "$manifest" --image-manifest-media-type "$type" >/dev/null
    echo "$repository:$STAGE_NAME is $commit in $region"
  done
done
