# Builds one image and tags it with the commit, in the pipeline's region and in
# every other region that has a stage. What is there already is left alone, so a
# repeated build costs nothing and never changes an image. Where only some
# regions lack it, they get a copy: a commit has one image.
#
# TINYSTACK_REGISTRIES holds region=host pairs, the pipeline's own first.
set -euo pipefail

fail() {
  echo "$*" >&2
  exit 1
}

# has_image says whether a tag exists. It ends the script when ECR cannot tell:
# inside a condition a failing command would not.
has_image() { # region tag
  count=$(aws ecr batch-get-image --region "$1" --repository-name "$TINYSTACK_REPOSITORY" \
    --image-ids "imageTag=$2" --query 'length(images)' --output text) ||
    fail "cannot look up $TINYSTACK_REPOSITORY:$2 in $1"
  [ "$count" != 0 ]
}

home_region=${TINYSTACK_REGISTRIES%%=*}
home=$ECR_IMAGE_URL:$IMAGE_TAG

missing=()
for registry in $TINYSTACK_REGISTRIES; do
  if has_image "${registry%%=*}" "$IMAGE_TAG"; then
    echo "$TINYSTACK_REPOSITORY:$IMAGE_TAG is in ${registry%%=*}"
  else
    missing+=("$registry")
  fi
done
if [ "${#missing[@]}" -eq 0 ]; then
  echo "nothing to build"
  exit 0
fi

for registry in $TINYSTACK_REGISTRIES; do
  aws ecr get-login-password --region "${registry%%=*}" |
    docker login --username AWS --password-stdin "${registry#*=}"
done

tags=("$IMAGE_TAG")
if has_image "$home_region" "$IMAGE_TAG"; then
  docker pull "$home"
elif [ -n "${TINYSTACK_COPY_ONLY:-}" ]; then
  fail "the buildspec of this service did not push $home: it has to tag the image with \$IMAGE_TAG"
else
  dockerfile=$TINYSTACK_CONTEXT/$TINYSTACK_DOCKERFILE
  [ -f "$dockerfile" ] || fail "there is no $dockerfile in the source"
  options=(--platform "$TINYSTACK_PLATFORM" --file "$dockerfile" --tag "$home")
  # One plain manifest, which can be tagged again without pulling it. The
  # attestations that buildx adds by default would make it a list of them.
  options+=(--provenance=false --sbom=false --load)
  options+=(--cache-to type=inline)
  if has_image "$home_region" latest; then
    options+=(--cache-from "type=registry,ref=$ECR_IMAGE_URL:latest")
  fi
  # A variable reaches docker by its name alone, so its value is not on the
  # command line.
  for name in ${TINYSTACK_BUILD_VARIABLES:-}; do
    if grep -Eiq "^[[:space:]]*ARG[[:space:]]+(.*[[:space:]])?$name([=[:space:]]|\$)" "$dockerfile"; then
      options+=(--build-arg "$name")
    fi
  done
  docker buildx build "${options[@]}" "$TINYSTACK_CONTEXT"
  tags+=(latest)
fi

for tag in "${tags[@]}"; do
  for registry in "${missing[@]}"; do
    image=${registry#*=}/$TINYSTACK_REPOSITORY:$tag
    [ "$image" = "$home" ] || docker tag "$home" "$image"
    docker push "$image"
  done
done
