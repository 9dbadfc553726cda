#!/bin/sh
# Tries what a node asks of the kernel (init.sh), in namespaces of its own that take all of it with them, and in the folder $1, which its caller
# removes. What does not work is said in one line, and ends it with 1.
set -u

try() {
  what=$1
  shift
  said=$("$@" 2>&1) && return
  echo "$what: $(echo "$said" | head -n 1)"
  exit 1
}

try 'mounts cannot be changed' mount --make-rprivate /
mkdir -p "$1/upper" "$1/work" "$1/merged"
try "overlayfs cannot be mounted in $1" \
  mount -t overlay -o "lowerdir=/var/lib,upperdir=$1/upper,workdir=$1/work" overlay "$1/merged"
try 'a tmpfs cannot be mounted' mount -t tmpfs tmpfs "$1/merged"
try 'the kernel makes no bridge' ip link add name probe0 type bridge
try 'the kernel makes no pair of virtual network links' ip link add probe1 type veth peer name probe2
try 'packets cannot be forwarded' sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
try 'the host name cannot be set' sh -c 'echo probe > /proc/sys/kernel/hostname'

# Version 1 of cgroups has a tree for each controller, version 2 has one for all, whose children have the controllers that they are given.
trees='/sys/fs/cgroup/cpu /sys/fs/cgroup/memory'
[ ! -e /sys/fs/cgroup/cgroup.controllers ] || trees=/sys/fs/cgroup
for tree in $trees; do
  cgroup="$tree/modelwright-probe-$2"
  try "no cgroup can be made in $tree" mkdir "$cgroup"
  given=$(cat "$cgroup/cgroup.controllers" 2>/dev/null)
  rmdir "$cgroup"
  case "$tree $given" in
    /sys/fs/cgroup\ *memory* | /sys/fs/cgroup/*) ;;
    *) try 'cgroups are not given the controller of memory' sh -c 'echo +memory > /sys/fs/cgroup/cgroup.subtree_control' ;;
  esac
done
