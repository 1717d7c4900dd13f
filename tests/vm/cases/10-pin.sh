# SPDX-License-Identifier: MIT
# The files of a running service are locked by its holder, and let go when the controller is stopped.
. /payload/tests/vm/pagewarden.sh

make_file one 40
make_file two 3
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
role: critical
pin:
  budget: 64M
  files:
    - path: $FILES/*
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon

wait_for 60 target_is t-shop.service .pin.locked $((43 * MIB))
assert_eq "$(target t-shop.service .pin.files)" 2
assert_eq "$(target t-shop.service .pin.failed)" 0
assert_eq "$(target t-shop.service .state)" active
holder=pagewarden-hold-t-shop.service
assert_eq "$(locked_in $holder)" $((43 * MIB)) "locked, by smaps"
# As they were populated, without another look at every page.
grep -q '^VmFlags:.* lo lf' "/proc/$(main_pid $holder)/smaps" || fail "locked the slow way"
assert_eq "$(systemctl show --value -p Slice $holder)" system.slice

# The pins stay whatever reclaim does; the holder opens nothing and is nobody.
evict "$FILES/one" "$FILES/two"
drop_caches
assert_eq "$(resident "$FILES/one")" $((40 * MIB))
pid=$(main_pid $holder)
assert_match "$(grep CapEff "/proc/$pid/status")" '0000000000004000$' "holder's capabilities"
[[ $(awk '/^Uid/ {print $2}' "/proc/$pid/status") != 0 ]] || fail "the holder runs as root"
for fd in /proc/"$pid"/fd/*; do
    assert_match "$(readlink "$fd")" '^(socket|/dev/null|pipe)' "a holder's descriptor"
done

# The sum: a locked page is locked in nobody else's name.
assert_eq "$(locked_in pagewarden.service | awk '{ print ($1 < 32 * 1024 * 1024) }')" 1 "the controller pins nothing"

systemctl stop pagewarden.service
wait_for 15 inactive $holder
evict "$FILES/one" "$FILES/two"
assert_eq "$(resident "$FILES/one")" 0 "left after stop"
[[ ! -s /run/pagewarden/ledger ]] || fail "the ledger is not empty"
