#!/bin/sh
# Starts a node: namespaces of its own with init.sh as their process 1, which ends when this process does.
set -eu
rm -f "$NODE_DIR/ready"
echo $$ > "$NODE_DIR/pid"
exec 9</proc/self/ns/net
exec unshare --mount --propagation private --uts --ipc --net --pid --fork --kill-child --mount-proc sh "$(dirname "$0")/init.sh"
