#!/bin/sh
# Process 1 of a node: makes the node out of fresh namespaces, then reaps what containers leave behind. When it ends, the kernel ends
# every process of the node, and with the last of them go its mounts and its network. What it changes is seen by the node only, but for
# this machine's end of the link (descriptor 9 is this machine's network namespace) and the node's own cgroup.
#
# The environment gives NODE_DIR, NODE_NAME, NODE_LINK, NODE_HOST, NODE_ADDRESS, NODE_PREFIX, NODE_PODS and NODE_CGROUP.
set -eu

# Volumes of pods are to be seen by containers that started earlier, as the kubelet expects.
mount --make-rshared /

# The folders that kubelet, containerd and the CNI plugins have by default, and the kubelet's device-plugin folder that cannot be moved.
mkdir -p "$NODE_DIR/lib" "$NODE_DIR/lib.work" "$NODE_DIR/log" "$NODE_DIR/kubelet" "$NODE_DIR/containerd" "$NODE_DIR/cni"
mount -t overlay -o "lowerdir=/var/lib,upperdir=$NODE_DIR/lib,workdir=$NODE_DIR/lib.work" overlay /var/lib
for part in kubelet containerd cni; do
  mkdir -p "/var/lib/$part"
  mount --bind "$NODE_DIR/$part" "/var/lib/$part"
done
mount --bind "$NODE_DIR/log" /var/log
mount -t tmpfs -o mode=0755 tmpfs /run

# The kubelet sets these for the whole machine unless they have the values it wants: it is shown files that say so.
shown() {
  [ -e "/proc/sys/$1" ] || return 0
  file="$NODE_DIR/$(echo "$1" | tr / .)"
  echo "$2" > "$file"
  mount --bind "$file" "/proc/sys/$1"
}
shown vm/overcommit_memory 1
shown vm/panic_on_oom 0
shown kernel/panic 10
shown kernel/panic_on_oops 1
shown kernel/keys/root_maxkeys 1000000
shown kernel/keys/root_maxbytes 25000000

echo "$NODE_NAME" > /proc/sys/kernel/hostname

# Version 1 of cgroups has a tree for each controller; version 2 has one for all, in which the node's is beside those of the machine.
trees=/sys/fs/cgroup/*
[ ! -e /sys/fs/cgroup/cgroup.controllers ] || trees=/sys/fs/cgroup
for tree in $trees; do
  [ -e "$tree/cgroup.procs" ] || continue
  mkdir -p "$tree/$NODE_CGROUP"
  for controller in cpu cpuset memory pids io; do
    [ ! -e "$tree/cgroup.subtree_control" ] || echo "+$controller" > "$tree/cgroup.subtree_control" 2>/dev/null || true
  done
done

on_this_machine() {
  nsenter --net=/proc/self/fd/9 -- "$@"
}
# What an earlier life of this node may have left for a moment: the kernel takes a network away some time after its last process.
on_this_machine ip link delete "$NODE_LINK" 2>/dev/null || true
on_this_machine ip link add "$NODE_LINK" type veth peer name eth0 netns 1
on_this_machine ip address add "$NODE_HOST/$NODE_PREFIX" dev "$NODE_LINK"
on_this_machine ip link set "$NODE_LINK" up
ip link set lo up
ip address add "$NODE_ADDRESS/$NODE_PREFIX" dev eth0
ip link set eth0 up
ip route add default via "$NODE_HOST"
on_this_machine ip route replace "$NODE_PODS" via "$NODE_ADDRESS"
echo 1 > /proc/sys/net/ipv4/ip_forward
# So that an answer from one pod to another by way of a Service's address is translated back.
[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
exec 9<&-

echo ready > "$NODE_DIR/ready"
sleep infinity &
wait
