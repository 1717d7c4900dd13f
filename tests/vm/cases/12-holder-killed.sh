# SPDX-License-Identifier: MIT
# A holder that is killed is replaced, with back-off, and its files are pinned again.
. /payload/tests/vm/pagewarden.sh

make_file one 8
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 16M
  files:
    - path: $FILES/one
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
holder=pagewarden-hold-t-shop.service
wait_for 60 target_is t-shop.service .pin.locked $((8 * MIB))
pid=$(main_pid $holder)
kill -9 "$pid"
replaced() { local now; now=$(main_pid $holder); [[ $now != 0 && $now != "$pid" ]]; }
wait_for 30 replaced
wait_for 60 target_is t-shop.service .pin.locked $((8 * MIB))
journal_has 't-shop.service: the holder of its pins is gone \(it ended\); trying again in 1 s' || fail "not told"
