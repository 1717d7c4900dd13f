# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What an admin writes into a unit's files while it is limited is the admin's after daemon-reload, wherever it sorts
# beside the drop-in that systemd makes of our limit, and however often it is reloaded; and what was set at run time
# before is there again when someone else has taken over.
. /payload/tests/vm/pagewarden.sh

units=(t-before.service t-after.service t-other.service)
policy work <<POLICY
version: 1
match: { units: [t-before.service, t-after.service, t-other.service, t-runtime.service] }
memory_high: { mode: fixed, value: 96M }
POLICY
for unit in "${units[@]}" t-runtime.service; do run_unit "$unit" -- sleep infinity; done
systemctl set-property --runtime t-runtime.service MemoryHigh=300M
trap 'rm -rf /etc/systemd/system/t-{before,after}.service.d; systemctl daemon-reload' EXIT

all_limited() { for unit in "${units[@]}" t-runtime.service; do high_is "$unit" $((96 * MIB)) || return; done; }
start_daemon
wait_for 20 all_limited

# Nothing that concerns them.
systemctl daemon-reload
sleep 2
all_limited || fail "after a reload"

mkdir -p /etc/systemd/system/t-{before,after}.service.d
printf '[Service]\nMemoryHigh=200M\n' >/etc/systemd/system/t-before.service.d/10-admin.conf
printf '[Service]\nMemoryHigh=210M\n' >/etc/systemd/system/t-after.service.d/override.conf
systemctl daemon-reload
wait_for 20 high_is t-before.service $((200 * MIB))
wait_for 20 high_is t-after.service $((210 * MIB))
for unit in t-before.service t-after.service; do
    wait_for 10 target_is "$unit" .memory_high.reason changed-by-someone-else
    [[ ! -e /run/systemd/transient/$unit.d/50-MemoryHigh.conf ]] || fail "$unit keeps a limit of ours"
done
assert_eq "$(systemctl show --value -p MemoryHigh t-before.service)" $((200 * MIB))
systemctl daemon-reload
sleep 2
high_is t-before.service $((200 * MIB)) || fail "t-before.service, later: $(memory_high t-before.service)"
high_is t-after.service $((210 * MIB)) || fail "t-after.service, later: $(memory_high t-after.service)"
high_is t-other.service $((96 * MIB)) || fail "t-other.service: $(memory_high t-other.service)"

# Loaded again, they are ours, with what the admin wants as the original.
systemctl reload pagewarden.service
wait_for 20 all_limited
assert_eq "$(target t-before.service .memory_high.original)" $((200 * MIB))

# Past systemd; what systemd had for it is what it has the next time.
echo $((150 * MIB)) >"$(cgroup_of t-runtime.service)/memory.high"
wait_for 10 target_is t-runtime.service .memory_high.reason changed-by-someone-else
systemctl daemon-reload
assert_eq "$(systemctl show --value -p MemoryHigh t-runtime.service)" $((300 * MIB)) "t-runtime.service, to systemd"

systemctl stop pagewarden.service
high_is t-before.service $((200 * MIB)) || fail "t-before.service, after stop: $(memory_high t-before.service)"
high_is t-after.service $((210 * MIB)) || fail "t-after.service, after stop: $(memory_high t-after.service)"
high_is t-other.service max || fail "t-other.service, after stop: $(memory_high t-other.service)"
