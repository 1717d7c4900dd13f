# SPDX-License-Identifier: MIT
# The system bus goes: pins and eviction go on; when it is back, so is everything else.
. /payload/tests/vm/pagewarden.sh

make_file pinned 4
make_file cold 4
policy shop <<POLICY
version: 1
match: { units: ["t-*.service"] }
pin: { budget: 8M, files: [ { path: $FILES/pinned } ] }
evict: [ { path: $FILES/cold, idle: 1s, every: 1s } ]
memory_high: { mode: fixed, value: 120M }
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
wait_for 40 target_is t-shop.service .pin.locked $((4 * MIB))
wait_for 20 high_is t-shop.service $((120 * MIB))
pid=$(main_pid pagewarden.service)
holder=$(main_pid pagewarden-hold-t-shop.service)

systemctl stop dbus.socket dbus.service
cat "$FILES/cold" >/dev/null
gone() { [[ $(resident "$FILES/cold") == 0 ]]; }
wait_for 30 gone
assert_eq "$(locked_in pagewarden-hold-t-shop.service)" $((4 * MIB))
message=$(pagewarden status 2>&1) && fail "status without a bus succeeded"
assert_match "$message" 'bus' "status without a bus"

systemctl start dbus.socket dbus.service
answers() { pagewarden status --json=short >/dev/null 2>&1; }
wait_for 30 answers
run_unit t-new.service -- sleep infinity
wait_for 30 high_is t-new.service $((120 * MIB))
assert_eq "$(main_pid pagewarden.service)" "$pid" "the same controller"
assert_eq "$(main_pid pagewarden-hold-t-shop.service)" "$holder" "the same holder"

# What a controller has left behind, of units that no policy governs any more, and the next one starts without a bus.
mkdir -p /run/systemd/system/pagewarden.service.d
printf '[Service]\nRestart=no\nExecStopPost=\n' >/run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
wait_for 30 high_is t-shop.service $((120 * MIB))
systemctl kill --signal=KILL pagewarden.service
wait_for 20 inactive pagewarden.service
rm /etc/pagewarden/policies.d/shop.yaml
systemctl stop dbus.socket dbus.service
start_daemon
wait_for 20 high_is t-shop.service max
grep -q t-shop.service /run/pagewarden/ledger || fail "nothing is left to do"
systemctl start dbus.socket dbus.service
ledger_is_empty() { [[ ! -s /run/pagewarden/ledger ]]; }
wait_for 60 ledger_is_empty
assert_eq "$(systemctl show --value -p MemoryHigh t-shop.service)" infinity
rm /run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
