# SPDX-License-Identifier: MIT
# Without a cgroup v2 memory controller, and without PSI: a clear message, and what works works.
. /payload/tests/vm/pagewarden.sh

make_file one 4
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
role: critical
pin: { budget: 8M, files: [ { path: $FILES/one } ] }
memory_high: { mode: fixed, value: 120M }
POLICY
run_unit t-shop.service -- sleep infinity
mkdir -p /run/systemd/system/pagewarden.service.d
cat >/run/systemd/system/pagewarden.service.d/t.conf <<'UNIT'
[Service]
TemporaryFileSystem=/sys/fs/cgroup:ro
InaccessiblePaths=/proc/pressure
UNIT
systemctl daemon-reload
start_daemon
wait_for 40 target_is t-shop.service .pin.locked $((4 * MIB))
assert_eq "$(memory_high t-shop.service)" max
warnings=$(pagewarden status --json=short | jq -r '.warnings[]')
assert_match "$warnings" 'no cgroup v2 hierarchy with the memory controller'
assert_match "$warnings" 'no pressure stall information'
assert_eq "$(target t-shop.service .memory)" null
pagewarden status | grep -q 't-shop.service' || fail "the table does not show the unit"
rm /run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
