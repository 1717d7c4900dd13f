# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# kill -9 while limits and advice are in force, while `track` probes, and while `yield` squeezes or gives back:
# ExecStopPost puts them back, and so does the next start.
. /payload/tests/vm/pagewarden.sh

policy batch <<POLICY
version: 1
match: { units: [t-batch.service, t-other.service] }
memory_high: { mode: fixed, value: 96M }
advise: [ { path: $FILES/d*, access: random } ]
POLICY
# Without a restart afterwards, so that what is seen is the stop step's work.
mkdir -p /run/systemd/system/pagewarden.service.d
printf '[Service]\nRestart=no\nTimeoutStopSec=60\n' >/run/systemd/system/pagewarden.service.d/t.conf
trap 'rm -f /run/systemd/system/pagewarden.service.d/t.conf; systemctl daemon-reload' EXIT
any_disk
shortage 60M 16M t-backup.service t-room.service

# Their pages come in at once.
for size in idle:64 used:24 stream:56 hot:24; do truncate -s "${size#*:}M" "$FILES/${size%:*}"; done
# reader NAME HIGH FILE: reads it on and on, but for while there is a file NAME.quiet.
reader() {
    # shellcheck disable=SC2016
    run_unit "t-$1.service" -p MemoryHigh="$2" --slice=t-mem.slice -- \
        sh -c 'while :; do [ -e "$0.quiet" ] || cat "$1" >/dev/null; sleep 0.4; done' "$FILES/$1" "$FILES/$3"
}
# shellcheck disable=SC2016
run_unit t-track.service -p MemoryHigh=700M -- sh -c 'cat "$0/idle" >/dev/null
    while :; do cat "$0/used" >/dev/null; sleep 1; done' "$FILES"
run_unit t-room.service -p MemoryHigh=901M -- sleep infinity
reader backup 900M stream

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
reader shop infinity hot
in_force() { [[ $(target "$1" .memory_high.applied) != null && $(target "$1" .memory_high.reason) =~ ^($2)$ ]]; }
wait_for 60 in_force t-backup.service 'freeze|hold|distress'
wait_for 10 in_force t-room.service room
# One that is not governed before: its first limits come while it goes on to try what is missed.
policy track <<POLICY
version: 1
match: { units: [t-track.service] }
memory_high: { mode: track }
POLICY
pagewarden reload
wait_for 60 in_force t-track.service 'probe|hold'

systemctl kill --signal=KILL pagewarden.service
wait_for 60 inactive pagewarden.service
wait_for 20 high_is t-batch.service $((333 * MIB))
wait_for 20 high_is t-other.service max
as_before() {
    assert_eq "$(memory_high t-track.service)" $((700 * MIB)) "$1, of what is tracked"
    assert_eq "$(memory_high t-backup.service)" $((900 * MIB)) "$1, of what yields"
    assert_eq "$(memory_high t-room.service)" $((901 * MIB)) "$1, of what has room"
    [[ ! -s /run/pagewarden/ledger ]] || fail "$1, the ledger has $(cat /run/pagewarden/ledger)"
}
as_before "after the stop step"
assert_eq "$(pages_for 20)" "$normal" "read-ahead after the stop step"

# Neither: the stop step is gone too. Someone changes one of the values meanwhile.
printf '[Service]\nRestart=no\nExecStopPost=\n' >/run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
sed -i 's/random/sequential/' /etc/pagewarden/policies.d/batch.yaml
CASE_BEGAN=$(date +%s.%N)
start_daemon
wait_for 30 high_is t-batch.service $((96 * MIB))
wait_for 30 high_is t-other.service $((96 * MIB))
wait_for 30 target_is t-batch.service .advise.descriptors 1
wait_for 60 in_force t-backup.service 'freeze|hold|distress'
touch "$FILES/shop.quiet"
further=$(pages_for 100)
((further > far)) || fail "sequential reads $further pages ahead, normal $far"
sed -i 's/sequential/random/' /etc/pagewarden/policies.d/batch.yaml
pagewarden reload
random() { [[ $(pages_for 20) == 20 ]]; }
wait_for 10 random
wait_for 60 journal_has 't-backup.service: memory.high is .*\(return\)'
wait_for 60 in_force t-track.service '.*'
wait_for 10 in_force t-backup.service 'return|hold|room'
systemctl kill --signal=KILL pagewarden.service
wait_for 60 inactive pagewarden.service
assert_eq "$(memory_high t-batch.service)" $((96 * MIB)) "left behind"
! high_is t-backup.service $((900 * MIB)) || fail "given back by nobody"
random || fail "advice was taken back by nobody"
echo $((77 * MIB)) >"$(cgroup_of t-other.service)/memory.high"
rm /etc/pagewarden/policies.d/*.yaml
start_daemon
wait_for 20 high_is t-batch.service $((333 * MIB))
as_before "after the next start"
assert_eq "$(pages_for 20)" "$normal" "read-ahead after the next start"
assert_eq "$(memory_high t-other.service)" $((77 * MIB)) "someone else's value"
journal_has 't-other.service: memory.high was changed by someone else meanwhile' || fail "not told"
