# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# Of two background services below the slice whose memory is short, however deep, the one with more to give gives way,
# and none outside. What systemd does to its units meanwhile changes nothing of that, nor do pressure files that come
# and go; what an admin does to one takes it out, until the policies are loaded again.
. /payload/tests/vm/pagewarden.sh

# Their pages come in at once.
for size in cold:100 warm:36 hot:48 out:120; do truncate -s "${size#*:}M" "$FILES/${size%:*}"; done
shortage 140M 16M t-cold.service t-warm.service t-out.service
read_on() {
    run_unit "t-$1.service" --slice="$4" "${@:5}" -- sh -c "while :; do cat $FILES/$2 >/dev/null; sleep $3; done"
}
# The limit is two slices above who suffers; what is beside it has more to give than what is below.
read_on out out infinity t-out-back.slice
read_on warm warm 0.5 t-mem.slice
read_on cold cold 0.1 t-mem-back.slice
mem=/sys/fs/cgroup/t.slice/t-mem.slice
cold_high=$mem/t-mem-back.slice/t-cold.service/memory.high
full() { (($(memory_stat t-cold.service file) > 80 * MIB)); }
wait_for 60 full
start_daemon
# Without its own pressure files, no trigger tells that it suffers: looks do.
pressure_files() { echo "$2" >"$(cgroup_of "$1")/cgroup.pressure"; }
triggers_are() { (($(find "/proc/$(main_pid pagewarden.service)/fd" -lname "*/$1/memory.pressure" -perm -200 | wc -l) == $2)); }
read_on shop hot 0.1 t-mem-shop.slice -p \
    "ExecStartPre=+sh -c 'echo 0 >$mem/t-mem-shop.slice/t-shop.service/cgroup.pressure'"

limited() { [[ $(<$cold_high) != max ]]; }
wait_for 60 journal_has 't-warm.service: memory.high is [0-9.]+M \((freeze|hold|distress)\)'
wait_for 30 target_at_least t-cold.service .memory_high.reclaimed $((16 * MIB))
cold=$(target t-cold.service .memory_high.reclaimed)
warm=$(target t-warm.service .memory_high.reclaimed)
((cold > 2 * warm)) || fail "$cold bytes from the larger cold cache, $warm from the other one"
outside() {
    assert_eq "$(target t-out.service '[.memory_high.reason, .memory_high.reclaimed] | tostring')" '["room",0]' outside
    ! journal_has 't-out.service: memory.high is .*\((freeze|hold|distress|at-min)\)' || fail "squeezed outside"
}
outside

# The files come, and go and come again, as they do where an admin sets cgroup.pressure: so do triggers and limits.
assert_eq "$(target t-shop.service .pressure)" null "without pressure files"
triggers_are t-shop.service 0 || fail "a trigger on a file that is not there"
pressure_files t-shop.service 1
wait_for 10 triggers_are t-shop.service 1
wait_for 60 limited
pressure_files t-cold.service 0
pressure_files t-shop.service 0
wait_for 10 target_is t-cold.service .memory_high.reason no-psi
wait_for 10 high_is t-cold.service max
wait_for 10 triggers_are t-shop.service 0
pressure_files t-cold.service 1
pressure_files t-shop.service 1
wait_for 10 triggers_are t-shop.service 1
wait_for 60 limited
wait_for 30 triggers_are t-cold.service 1

# What is asked of systemd while it is away is asked again.
known_to_systemd() {
    limited && [[ $(systemctl show --value -p MemoryHigh t-cold.service) == $(<$cold_high) ]]
}
for verb in daemon-reload daemon-reexec; do
    wait_for 60 limited
    systemctl "$verb"
    wait_for 60 known_to_systemd
    ! journal_has 'someone else set' || fail "$verb is taken for an admin"
done

left_alone() { target_is t-cold.service .memory_high.reason changed-by-someone-else; }
ledger_lacks_it() { ! grep -q t-cold.service /run/pagewarden/ledger; }
# An empty value is a value, too. It is seen where there is a limit of ours that it ends, and no other one is on its
# way to systemd at that moment.
taken_over() {
    limited || return
    systemctl set-property --runtime t-cold.service MemoryHigh=
    sleep 3
    left_alone
}
wait_for 90 taken_over
assert_eq "$(memory_high t-cold.service)" max "the admin's value"
ledger_lacks_it || fail "the ledger has a unit that is the admin's"

systemctl reload pagewarden.service
wait_for 60 limited
outside
systemctl stop t-shop.service
wait_for 30 high_is t-cold.service max
wait_for 30 high_is t-warm.service max
wait_for 20 ledger_lacks_it
assert_eq "$(systemctl show --value -p MemoryHigh t-cold.service)" infinity
