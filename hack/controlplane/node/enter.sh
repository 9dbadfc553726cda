#!/bin/sh
# enter.sh NODE_DIR PROGRAM [ARGUMENT…]: runs a program in the namespaces of a node; the program ends when this process does.
set -eu
node=$(cat "$1/pid")
shift
# The file ends without a newline, which read takes for a failure.
read -r init _ < "/proc/$node/task/$node/children" || [ -n "$init" ]
exec nsenter --target "$init" --mount --uts --ipc --net --pid -- setpriv --pdeathsig KILL "$@"
