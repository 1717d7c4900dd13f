# SPDX-License-Identifier: MIT
# memory_high: fixed is set, read back, kept over a restart of the unit, and put back on stop.
. /payload/tests/vm/pagewarden.sh

make_file cache 100
make_file raised 60
policy batch <<POLICY
version: 1
match: { units: [t-batch.service, t-limited.service, t-raised.service] }
role: background
memory_high: { mode: fixed, value: 64M }
POLICY
run_unit t-batch.service -- sh -c "cat $FILES/cache >/dev/null; exec sleep infinity"
run_unit t-limited.service -p MemoryHigh=200M -- sleep infinity
run_unit t-raised.service -p MemoryHigh=32M -- sh -c "until [ -e $FILES/go ]; do sleep 0.3; done
    cat $FILES/raised >/dev/null; exec sleep infinity"
full() { (($(memory_stat t-batch.service file) > 90 * MIB)); }
wait_for 60 full
start_daemon
wait_for 30 high_is t-batch.service $((64 * MIB))
wait_for 30 high_is t-limited.service $((64 * MIB))
assert_eq "$(target t-batch.service .memory_high.applied)" $((64 * MIB))
assert_eq "$(target t-batch.service .memory_high.original)" null
assert_eq "$(target t-limited.service .memory_high.original)" $((200 * MIB))
assert_eq "$(target t-batch.service .memory_high.reason)" fixed

# Above what its own file says: it gets what the policy says, and uses that.
wait_for 30 high_is t-raised.service $((64 * MIB))
assert_eq "$(target t-raised.service .memory_high.original)" $((32 * MIB))
touch "$FILES/go"

# One that starts again keeps its limit; a transient unit that is made anew under its name is another one.
systemctl restart t-batch.service
wait_for 10 high_is t-batch.service $((64 * MIB))
for high in 190 180 170; do
    systemctl stop t-limited.service
    run_unit t-limited.service -p MemoryHigh=${high}M -- sleep infinity
    wait_for 30 high_is t-limited.service $((64 * MIB))
    assert_eq "$(target t-limited.service .memory_high.original)" $((high * MIB))
done
! journal_has 'someone else set' || fail "what was made anew is taken for someone else's"

# daemon-reload changes nothing; an admin's value is the admin's.
systemctl daemon-reload
sleep 3
assert_eq "$(memory_high t-batch.service)" $((64 * MIB)) "after daemon-reload"
systemctl set-property --runtime t-limited.service MemoryHigh=300M
left_alone() { target_is t-limited.service .memory_high.reason changed-by-someone-else; }
wait_for 10 left_alone

(($(memory_stat t-raised.service file) > 40 * MIB)) || fail "no more than before: $(memory_stat t-raised.service file)"
systemctl stop pagewarden.service
assert_eq "$(memory_high t-batch.service)" max "after stop"
assert_eq "$(memory_high t-raised.service)" $((32 * MIB)) "after stop, what was raised"
assert_eq "$(systemctl show --value -p MemoryHigh t-raised.service)" $((32 * MIB))
assert_eq "$(systemctl show --value -p MemoryHigh t-batch.service)" infinity
assert_eq "$(memory_high t-limited.service)" $((300 * MIB)) "the admin's value"
! compgen -G '/run/systemd/*/t-batch.service.d/50-MemoryHigh.conf' || fail "a drop-in is left"

# Never below what cannot be reclaimed: about 50 MiB of anonymous memory under a policy of 20M.
# One that still grows may stall at its limit, and is let go for that: it has all before the controller comes.
run_unit t-batch2.service -- sh -c 'x=$(head -c 50000000 /dev/zero | tr "\0" x); : >"$1"; sleep infinity; echo "$x"' - "$FILES/grown"
sed -i 's/t-limited.service/t-batch2.service/; s/64M/20M/' /etc/pagewarden/policies.d/batch.yaml
wait_for 60 test -e "$FILES/grown"
start_daemon
anon=$(memory_stat t-batch2.service anon)
((anon > 40 * MIB)) || fail "inconclusive: $anon bytes of anonymous memory"
floored() { target_is t-batch2.service .memory_high.reason floor; }
wait_for 20 floored
applied() { [[ $(target t-batch2.service .memory_high.applied) != null ]]; }
wait_for 20 applied
(($(memory_high t-batch2.service) > anon)) || fail "below what cannot be reclaimed"
