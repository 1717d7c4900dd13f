# SPDX-License-Identifier: MIT
# timeout: 480
# Of two background services the one with more to give gives way. What systemd does to its units meanwhile changes
# nothing of that; what an admin does to one takes it out, until the policies are loaded again.
. /payload/tests/vm/pagewarden.sh

make_file cold 100
make_file warm 36
make_file hot 48
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
role: critical
POLICY
policy backup <<POLICY
version: 1
match: { units: [t-cold.service, t-warm.service] }
role: background
memory_high: { mode: yield, min: 16M }
POLICY
printf '[Slice]\nMemoryHigh=140M\n' >/run/systemd/system/t-mem.slice
systemctl daemon-reload
read_on() {
    run_unit "t-$1.service" --slice=t-mem.slice -- sh -c "while :; do cat $FILES/$2 >/dev/null; sleep $3; done"
}
read_on warm warm 0.3
read_on cold cold 0
full() { (($(memory_stat t-cold.service file) > 80 * MIB)); }
wait_for 60 full
start_daemon
read_on shop hot 0

limited() { [[ $(target t-cold.service .memory_high.applied) != null ]]; }
wait_for 60 journal_has 't-warm.service: memory.high is [0-9.]+M \((freeze|hold|distress)\)'
wait_for 30 target_at_least t-cold.service .memory_high.reclaimed $((16 * MIB))
cold=$(target t-cold.service .memory_high.reclaimed)
warm=$(target t-warm.service .memory_high.reclaimed)
((cold > 2 * warm)) || fail "$cold bytes from the larger cold cache, $warm from the other one"

# What is asked of systemd while it is away is asked again.
known_to_systemd() {
    limited && [[ $(systemctl show --value -p MemoryHigh t-cold.service) == $(memory_high t-cold.service) ]]
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
systemctl stop t-shop.service
wait_for 30 high_is t-cold.service max
wait_for 30 high_is t-warm.service max
wait_for 20 ledger_lacks_it
assert_eq "$(systemctl show --value -p MemoryHigh t-cold.service)" infinity
systemctl stop t-cold.service t-warm.service pagewarden.service t-mem.slice
rm /run/systemd/system/t-mem.slice
systemctl daemon-reload
