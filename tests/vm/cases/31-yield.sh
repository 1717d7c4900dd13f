# SPDX-License-Identifier: MIT
# While a critical service suffers, a background service gives way down to its min; calm gives it back.
. /payload/tests/vm/pagewarden.sh

make_file cold 200
make_file hot 64
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
role: critical
POLICY
policy backup <<POLICY
version: 1
match: { units: [t-backup.service] }
role: background
memory_high: { mode: yield, min: 64M }
POLICY
run_unit t-backup.service -- sh -c "cat $FILES/cold >/dev/null; exec sleep infinity"
full() { (($(memory_stat t-backup.service file) > 190 * MIB)); }
wait_for 60 full
run_unit t-shop.service -- sleep infinity
start_daemon
wait_for 20 target_is t-backup.service .state active
sleep 3
assert_eq "$(memory_high t-backup.service)" max "while all is calm"
assert_eq "$(target t-backup.service .memory_high.reason)" calm

# Real distress: the service reads 64 MiB again and again under a limit of 32 MiB, so every page is a refault.
systemctl stop t-shop.service
run_unit t-shop.service -p MemoryHigh=32M -- sh -c "while :; do cat $FILES/hot >/dev/null; done"
squeezed() { local high; high=$(memory_high t-backup.service); [[ $high != max ]] && ((high < 150 * MIB)); }
wait_for 40 squeezed
[[ $(target t-shop.service .distress) != null ]] || fail "no distress told"

# Killed while squeezing: the limit is given back, and the next controller squeezes anew.
systemctl kill --signal=KILL pagewarden.service
wait_for 20 high_is t-backup.service max
wait_for 60 squeezed
wait_for 40 high_is t-backup.service $((64 * MIB))
assert_eq "$(target t-backup.service .memory_high.original)" null
(($(cat "$(cgroup_of t-backup.service)/memory.current") <= 66 * MIB)) || fail "not reclaimed"

systemctl stop t-shop.service
wait_for 90 high_is t-backup.service max
wait_for 5 target_is t-backup.service .memory_high.applied null
[[ ! -s /run/pagewarden/ledger ]] || fail "the ledger is not empty"
