# Makes the templates. The one tool beside Go and Node is the CDK's command
# line; nothing of the application is installed.
[ -f cdk.json ] || fail "there is no cdk.json in $PWD: pipeline.directory names the folder that the declaration and its app are in"

rm -f cdk.out/manifest.json
install_cdk "$cdk_pinned"
if ! "$cdk" synth --quiet --no-notices --output cdk.out; then
  # The app may have been built with a newer CDK than this pipeline knows. Then
  # the assembly is written, and only the command line does not read it.
  [ -f cdk.out/manifest.json ] || exit 1
  version=$(needed cdk.out)
  [ -n "$version" ] && newer "$version" "$cdk_pinned" || exit 1
  cdk_for cdk.out
  "$cdk" synth --quiet --no-notices --output cdk.out
fi
