# SPDX-License-Identifier: MIT
# timeout: 480
# While a critical service suffers, a background service gives way that competes for the same memory, and only
# such a one; calm gives it back, and so does kill -9.
. /payload/tests/vm/pagewarden.sh

make_file cold 200
make_file hot 80
make_file other 60
shortage 160M 48M t-backup.service t-elsewhere.service
run_unit t-elsewhere.service -- sh -c "while :; do cat $FILES/other >/dev/null; sleep 0.3; done"
run_unit t-backup.service --slice=t-mem.slice -- sh -c "while :; do cat $FILES/cold >/dev/null; done"
full() { (($(memory_stat t-backup.service file) > 100 * MIB)); }
wait_for 60 full
start_daemon
wait_for 20 target_is t-backup.service .state active
sleep 2
assert_eq "$(memory_high t-backup.service)" max "while all is calm"
assert_eq "$(target t-backup.service .memory_high.reason)" calm

run_unit t-shop.service --slice=t-mem.slice -- sh -c "while :; do cat $FILES/hot >/dev/null; done"
squeezed() { local high; high=$(memory_high t-backup.service); [[ $high != max ]] && ((high < 120 * MIB)); }
wait_for 40 squeezed
wait_for 10 target_at_least t-backup.service .memory_high.reclaimed 1
assert_eq "$(target t-backup.service .memory_high.original)" null

# Killed while squeezing: the limit is given back, and the next controller squeezes anew.
systemctl kill --signal=KILL pagewarden.service
wait_for 60 journal_has 't-backup.service: memory.high is what it was before'
wait_for 60 squeezed
assert_eq "$(target t-elsewhere.service .memory_high.reason)" room "of a unit outside the slice"

systemctl stop t-shop.service
wait_for 30 high_is t-backup.service max
wait_for 5 target_is t-backup.service .memory_high.applied null
[[ ! -s /run/pagewarden/ledger ]] || fail "the ledger is not empty"
