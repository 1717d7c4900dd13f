# SPDX-License-Identifier: MIT
# Pins outlive the controller: killed, restarted, and killed in the middle of pinning.
. /payload/tests/vm/pagewarden.sh

make_file big 96
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
role: critical
pin:
  budget: 128M
  files:
    - path: $FILES/big
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
holder=pagewarden-hold-t-shop.service

# In the middle: at least one slice, and not all.
some_locked() { (($(locked_in $holder) > 0)); }
wait_for 60 some_locked
systemctl kill --signal=KILL pagewarden.service
before=$(locked_in $holder)
((before > 0)) || fail "nothing was locked when the controller was killed"
wait_for 60 target_is t-shop.service .pin.locked $((96 * MIB))
pid=$(main_pid $holder)

# From here on not one page may be unlocked: VmLck is watched through kill, restart and take-over.
watch_locked() {
    while kill -0 "$pid" 2>/dev/null; do
        awk '/VmLck/ { print $2 }' "/proc/$pid/status"
        sleep 0.02
    done >/run/t-watch 2>/dev/null
}
watch_locked &
watcher=$!
systemctl kill --signal=KILL pagewarden.service
sleep 0.5
assert_eq "$(locked_in $holder)" $((96 * MIB)) "without a controller"
wait_for 60 target_is t-shop.service .pin.locked $((96 * MIB))
assert_eq "$(main_pid $holder)" "$pid" "the same holder after kill -9"
journal_has 't-shop.service: took over its holder with 96M locked' || fail "no take-over in the journal"

systemctl restart pagewarden.service
wait_for 60 target_is t-shop.service .pin.locked $((96 * MIB))
assert_eq "$(main_pid $holder)" "$pid" "the same holder after restart"
kill $watcher
assert_eq "$(sort -u /run/t-watch | wc -l)" 1 "VmLck all the while: $(sort -u /run/t-watch)"
assert_eq "$(locked_in $holder)" $((96 * MIB)) "in the end"
