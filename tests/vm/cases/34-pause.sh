# SPDX-License-Identifier: MIT
# `pagewarden pause` gives all limits back and stops evicting, over a restart; `resume` goes on; pins stay.
. /payload/tests/vm/pagewarden.sh

make_file one 4
policy batch <<POLICY
version: 1
match: { units: [t-batch.service] }
pin: { budget: 8M, files: [ { path: $FILES/one } ] }
memory_high: { mode: fixed, value: 96M }
POLICY
run_unit t-batch.service -p MemoryHigh=333M -- sleep infinity
start_daemon
wait_for 40 high_is t-batch.service $((96 * MIB))
wait_for 40 target_is t-batch.service .pin.locked $((4 * MIB))
! setpriv --reuid=65534 --clear-groups pagewarden pause 2>/dev/null || fail "anybody may pause"

pagewarden pause
wait_for 5 high_is t-batch.service $((333 * MIB))
assert_eq "$(pagewarden status --json=short | jq .paused)" true
pagewarden status | grep -q '^Paused' || pagewarden status 2>&1 | grep -q 'Paused' || fail "status does not say it"
systemctl restart pagewarden.service
wait_for 40 target_is t-batch.service .pin.locked $((4 * MIB))
sleep 2
assert_eq "$(memory_high t-batch.service)" $((333 * MIB)) "after a restart"

pagewarden resume
wait_for 10 high_is t-batch.service $((96 * MIB))
assert_eq "$(pagewarden status --json=short | jq .paused)" false
