# The CDK's command line, of a known version, in a folder of its own: whatever
# the source holds of npm (a lock, a workspace, private packages, scripts that
# run at installation) has nothing to do with it.
#
# $cdk_pinned is the version that this pipeline knows, and $cdk_integrity what
# its package has to be, byte for byte.
set -euo pipefail

fail() {
  echo "$*" >&2
  exit 1
}

newer() { # version than
  [ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | tail -n 1)" = "$1" ]
}

# needed says which version of the command line an assembly asks for at least.
# Whatever wrote it may be newer than this pipeline.
needed() { # assembly
  sed -n '/"minimumCliVersion"/{s/.*"minimumCliVersion" *: *"\([0-9][0-9.]*\)".*/\1/p;q;}' "$1/manifest.json"
}

install_cdk() { # version
  tools=$(mktemp -d)
  printf '{"private":true,"dependencies":{"aws-cdk":"%s"}}\n' "$1" >"$tools/package.json"
  how=install
  if [ "$1" = "$cdk_pinned" ]; then
    how=ci
    printf '{"lockfileVersion":3,"requires":true,"packages":{"":{"dependencies":{"aws-cdk":"%s"}},"node_modules/aws-cdk":{"version":"%s","integrity":"%s","bin":{"cdk":"bin/cdk"}}}}\n' \
      "$1" "$1" "$cdk_integrity" >"$tools/package-lock.json"
  fi
  (cd "$tools" && npm "$how" --ignore-scripts --no-audit --no-fund)
  cdk=$tools/node_modules/.bin/cdk
}

# cdk_for installs what reads an assembly: the known version, or the one that
# the assembly asks for where that is newer.
cdk_for() { # assembly
  version=$(needed "$1")
  if [ -z "$version" ] || ! newer "$version" "$cdk_pinned"; then
    version=$cdk_pinned
  else
    echo "the assembly asks for $version of the CDK's command line, and this pipeline knows $cdk_pinned"
  fi
  install_cdk "$version"
}

