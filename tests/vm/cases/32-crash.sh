# SPDX-License-Identifier: MIT
# kill -9 while limits are in force: ExecStopPost puts them back, and so does the next start.
. /payload/tests/vm/pagewarden.sh

policy batch <<POLICY
version: 1
match: { units: [t-batch.service, t-other.service] }
memory_high: { mode: fixed, value: 96M }
POLICY
run_unit t-batch.service -p MemoryHigh=333M -- sleep infinity
run_unit t-other.service -- sleep infinity
start_daemon
wait_for 30 high_is t-batch.service $((96 * MIB))
wait_for 30 high_is t-other.service $((96 * MIB))

# Without a restart afterwards, so that what is seen is the stop step's work.
mkdir -p /run/systemd/system/pagewarden.service.d
printf '[Service]\nRestart=no\n' >/run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
systemctl kill --signal=KILL pagewarden.service
wait_for 20 inactive pagewarden.service
wait_for 20 high_is t-batch.service $((333 * MIB))
wait_for 20 high_is t-other.service max

# Neither: the stop step is gone too. Someone changes one of the values meanwhile.
printf '[Service]\nRestart=no\nExecStopPost=\n' >/run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
start_daemon
wait_for 30 high_is t-batch.service $((96 * MIB))
wait_for 30 high_is t-other.service $((96 * MIB))
systemctl kill --signal=KILL pagewarden.service
wait_for 20 inactive pagewarden.service
assert_eq "$(memory_high t-batch.service)" $((96 * MIB)) "left behind"
echo $((77 * MIB)) >"$(cgroup_of t-other.service)/memory.high"
rm /etc/pagewarden/policies.d/batch.yaml
start_daemon
wait_for 20 high_is t-batch.service $((333 * MIB))
assert_eq "$(memory_high t-other.service)" $((77 * MIB)) "someone else's value"
journal_has 't-other.service: memory.high was changed by someone else meanwhile' || fail "not told"
rm /run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
