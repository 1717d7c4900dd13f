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
trap 'rm -f /run/systemd/system/pagewarden.service.d/t.conf; systemctl daemon-reload' EXIT
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

# With control groups, but without PSI: whatever the units' own files say, nothing tightens, and that is told once.
policy backup <<POLICY
version: 1
match: { units: [t-backup.service] }
role: background
memory_high: { mode: yield, min: 16M }
POLICY
policy track <<POLICY
version: 1
match: { units: [t-track.service] }
memory_high: { mode: track }
POLICY
run_unit t-backup.service -- sleep infinity
run_unit t-track.service -- sleep infinity
printf '[Service]\nInaccessiblePaths=/proc/pressure\n' >/run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
CASE_BEGAN=$(date +%s.%N)
systemctl restart pagewarden.service
for unit in t-shop t-backup t-track; do wait_for 20 target_is $unit.service .memory_high.reason no-psi; done
sleep 2
for unit in t-shop t-backup t-track; do
    assert_eq "$(target $unit.service '[.pressure, .memory_high.reason, .memory_high.applied] | tostring')" '[null,"no-psi",null]'
    assert_eq "$(memory_high $unit.service)" max "$unit"
done
assert_match "$(pagewarden status --json=short | jq -r '.warnings[]')" '^The kernel keeps no pressure stall information'
assert_eq "$(journalctl -q -o cat --since="@$CASE_BEGAN" -u pagewarden.service | grep -ci 'pressure')" 1 "told"
