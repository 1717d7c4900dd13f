# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Control groups that are no units are found and governed by their files; what systemd keeps goes through systemd, and
# what another systemd keeps is left alone.
. /payload/tests/vm/pagewarden.sh

root=/sys/fs/cgroup
policy pods <<POLICY
version: 1
match: { cgroups: ["/t-pods/**", "/system.slice/t-unit.service", "/system.slice/t-delegated.service/worker"] }
memory_high: { mode: fixed, value: 96M }
POLICY
mkdir -p $root/t-pods
trap 'rmdir $root/t-pods/one/t-nested.service $root/t-pods/* $root/t-pods 2>/dev/null || true' EXIT
echo +memory >$root/t-pods/cgroup.subtree_control
mkdir $root/t-pods/one $root/t-pods/two
echo +memory >$root/t-pods/one/cgroup.subtree_control
mkdir $root/t-pods/one/t-nested.service
echo $((200 * MIB)) >$root/t-pods/two/memory.high
run_unit t-unit.service -- sleep infinity
run_unit t-delegated.service -p Delegate=memory -- sh -c '
    cd /sys/fs/cgroup/system.slice/t-delegated.service && mkdir worker main && echo 0 >main/cgroup.procs &&
    echo +memory >cgroup.subtree_control && exec sleep infinity'
high_of() { cat "$root/$1/memory.high"; }
is() { [[ $(high_of "$1") == "$2" ]]; }
limited=$((96 * MIB))

start_daemon
wait_for 20 is t-pods/one $limited
wait_for 20 is t-pods/two $limited
wait_for 20 is system.slice/t-delegated.service/worker $limited
wait_for 20 high_is t-unit.service $limited
assert_eq "$(systemctl show --value -p MemoryHigh t-unit.service)" $limited "through systemd"
assert_eq "$(high_of t-pods/one/t-nested.service)" max "another systemd's"
journal_has '/t-pods/one/t-nested.service: not governed: another systemd keeps it' || fail "not told"
assert_eq "$(target /t-pods/two .memory_high.original)" $((200 * MIB))

# Made anew at the same path, it is found again; what someone else sets is theirs.
rmdir $root/t-pods/two
mkdir $root/t-pods/two
wait_for 20 is t-pods/two $limited
echo $((123 * MIB)) >$root/t-pods/two/memory.high
wait_for 10 target_is /t-pods/two .memory_high.reason changed-by-someone-else

# Back after kill -9, and when no policy matches any more.
systemctl kill --signal=KILL pagewarden.service
wait_for 20 is t-pods/one max
wait_for 20 is system.slice/t-delegated.service/worker max
wait_for 40 is t-pods/one $limited
wait_for 20 target_is /t-pods/two .memory_high.original $((123 * MIB))
rm /etc/pagewarden/policies.d/pods.yaml
pagewarden reload
wait_for 10 is t-pods/one max
wait_for 10 is t-pods/two $((123 * MIB))
[[ ! -s /run/pagewarden/ledger ]] || fail "the ledger is not empty"
