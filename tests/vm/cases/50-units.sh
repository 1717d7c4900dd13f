# SPDX-License-Identifier: MIT
# Units that are not there yet, restart, fail, and stop.
. /payload/tests/vm/pagewarden.sh

make_file one 4
policy shop <<POLICY
version: 1
match: { units: ["t-*.service"] }
pin: { budget: 8M, files: [ { path: $FILES/one } ] }
memory_high: { mode: fixed, value: 120M }
POLICY
start_daemon
sleep 1
assert_eq "$(target t-late.service .unit)" null "not there yet"

cat >/run/systemd/system/t-late.service <<'UNIT'
[Service]
ExecStart=sleep infinity
Restart=on-failure
RestartSec=300ms
UNIT
systemctl daemon-reload
systemctl start t-late.service
holder=pagewarden-hold-t-late.service
wait_for 40 target_is t-late.service .pin.locked $((4 * MIB))
wait_for 20 high_is t-late.service $((120 * MIB))
pid=$(main_pid $holder)

# A restart and a crash keep holder, pins and limit.
systemctl restart t-late.service
sleep 2
wait_for 20 target_is t-late.service .state active
wait_for 20 high_is t-late.service $((120 * MIB))
systemctl kill --signal=KILL t-late.service
sleep 2
wait_for 20 target_is t-late.service .state active
assert_eq "$(main_pid $holder)" "$pid" "the same holder"
assert_eq "$(locked_in $holder)" $((4 * MIB))

# daemon-reload and daemon-reexec.
systemctl daemon-reload
systemctl daemon-reexec
sleep 3
assert_eq "$(target t-late.service .state)" active
assert_eq "$(main_pid $holder)" "$pid" "the same holder"

# Stopped: the holder goes, and the limit with it.
systemctl stop t-late.service
wait_for 30 inactive $holder
gone() { [[ $(target t-late.service .unit) == null ]]; }
wait_for 30 gone
assert_eq "$(systemctl show --value -p MemoryHigh t-late.service)" infinity
! compgen -G '/run/systemd/*/t-late.service.d/50-MemoryHigh.conf' || fail "a drop-in is left"

# A unit that fails is not governed for long.
run_unit t-fails.service -- sh -c 'sleep 3; exit 1'
wait_for 20 target_is t-fails.service .policy shop
gone() { [[ $(target t-fails.service .unit) == null ]]; }
wait_for 40 gone
inactive pagewarden-hold-t-fails.service || fail "its holder is left"
assert_eq "$(systemctl is-active pagewarden.service)" active
rm /run/systemd/system/t-late.service
