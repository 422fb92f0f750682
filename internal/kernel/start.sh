#!/bin/sh
# Stands in for node where the jsii runtime starts "node .../bin/jsii-runtime.js".
# If the runtime is built as this script knows it, that file would only start
# lib/program.js with its messages on file descriptor 3, and pass them on. Here
# the messages are 3 and 4 at once, and whatever the program or a process that
# it starts prints goes to standard error, out of the way of the messages. Twice the
# room for young objects than V8 gives by itself makes 50 MB less of an application
# with 20 stages: fewer of them are still in use when it looks.
program=${1%/bin/jsii-runtime.js}/lib/program.js
shim=${0%/*}/shim.js
if [ "$#" -eq 1 ] && [ -r "$program" ] && [ -r "$shim" ] &&
	grep -q 'readFD:3,writeFD:3' "$program" &&
	grep -q '{stdio:\["ignore","pipe","pipe","pipe"\]}' "$1"; then
	exec node --preserve-symlinks --max-semi-space-size=32 "$shim" "$program" 3<&0 4>&1 0</dev/null 1>&2
fi
exec node "$@"
