# SPDX-License-Identifier: MIT
# kill -9 while limits and advice are in force: ExecStopPost puts them back, and so does the next start.
. /payload/tests/vm/pagewarden.sh

policy batch <<POLICY
version: 1
match: { units: [t-batch.service, t-other.service] }
memory_high: { mode: fixed, value: 96M }
advise: [ { path: $FILES/d*, access: random } ]
POLICY

# A service that reads as many pages of its open file as it is told, each time further behind.
make_file data 40
mkfifo "$FILES/go"
: >"$FILES/done"
run_unit t-batch.service -p MemoryHigh=333M -- sh -c "exec 3<$FILES/data 4<>$FILES/go
    while read -r n <&4; do
        dd bs=4k skip=512 count=\$n of=/dev/null <&3
        echo >>$FILES/done
    done"
# pages_for N: pages that come into memory when it reads N.
pages_for() {
    local before dones
    before=$(resident "$FILES/data")
    dones=$(wc -l <"$FILES/done")
    echo "$1" >"$FILES/go"
    wait_for 20 eval '(( $(wc -l <"$FILES/done") > dones ))'
    echo $((($(resident "$FILES/data") - before) / 4096))
}
normal=$(pages_for 20) far=$(pages_for 100)
((normal > 20 && far > 100)) || fail "no read-ahead: $normal, $far"
run_unit t-other.service -- sleep infinity
start_daemon
wait_for 30 high_is t-batch.service $((96 * MIB))
wait_for 30 high_is t-other.service $((96 * MIB))
wait_for 30 target_is t-batch.service .advise.descriptors 1
assert_eq "$(pages_for 20)" 20 "random: what is asked for, and no more"

# Without a restart afterwards, so that what is seen is the stop step's work.
mkdir -p /run/systemd/system/pagewarden.service.d
printf '[Service]\nRestart=no\n' >/run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
systemctl kill --signal=KILL pagewarden.service
wait_for 20 inactive pagewarden.service
wait_for 20 high_is t-batch.service $((333 * MIB))
wait_for 20 high_is t-other.service max
assert_eq "$(pages_for 20)" "$normal" "read-ahead after the stop step"

# Neither: the stop step is gone too. Someone changes one of the values meanwhile.
printf '[Service]\nRestart=no\nExecStopPost=\n' >/run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
sed -i 's/random/sequential/' /etc/pagewarden/policies.d/batch.yaml
start_daemon
wait_for 30 high_is t-batch.service $((96 * MIB))
wait_for 30 high_is t-other.service $((96 * MIB))
wait_for 30 target_is t-batch.service .advise.descriptors 1
further=$(pages_for 100)
((further > far)) || fail "sequential reads $further pages ahead, normal $far"
sed -i 's/sequential/random/' /etc/pagewarden/policies.d/batch.yaml
pagewarden reload
random() { [[ $(pages_for 20) == 20 ]]; }
wait_for 10 random
systemctl kill --signal=KILL pagewarden.service
wait_for 20 inactive pagewarden.service
assert_eq "$(memory_high t-batch.service)" $((96 * MIB)) "left behind"
random || fail "advice was taken back by nobody"
echo $((77 * MIB)) >"$(cgroup_of t-other.service)/memory.high"
rm /etc/pagewarden/policies.d/batch.yaml
start_daemon
wait_for 20 high_is t-batch.service $((333 * MIB))
assert_eq "$(pages_for 20)" "$normal" "read-ahead after the next start"
assert_eq "$(memory_high t-other.service)" $((77 * MIB)) "someone else's value"
journal_has 't-other.service: memory.high was changed by someone else meanwhile' || fail "not told"
rm /run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
