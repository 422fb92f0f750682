# Deploys the pipeline as the commit declares it. What runs here is of the
# pipeline that is deployed; what it reads may be written by a newer one.
#
# TINYSTACK_ASSEMBLY is the folder of the assembly, TINYSTACK_PATH the pipeline's
# stack in it. Stacks that it depends on are deployed before it.
cdk_for "$TINYSTACK_ASSEMBLY"
"$cdk" --app "$TINYSTACK_ASSEMBLY" deploy "$TINYSTACK_PATH" --require-approval never --no-notices --progress events
