# SPDX-License-Identifier: MIT
# The budget is never exceeded: listed order, and a part of the file that does not fit.
. /payload/tests/vm/pagewarden.sh

make_file a 6
make_file b 6
make_file c 6
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 10M
  files:
    - path: $FILES/b
    - path: $FILES/*
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
wait_for 60 target_is t-shop.service .pin.locked $((10 * MIB))
evict "$FILES"/?
assert_eq "$(resident "$FILES/b")" $((6 * MIB)) "listed first"
assert_eq "$(resident "$FILES/a")" $((4 * MIB)) "what is left of the budget"
assert_eq "$(resident "$FILES/c")" 0

# A smaller budget at a reload is obeyed too.
sed -i 's/budget: 10M/budget: 7M/' /etc/pagewarden/policies.d/shop.yaml
systemctl reload pagewarden.service
wait_for 30 target_is t-shop.service .pin.locked $((7 * MIB))

# A limit of a slice above service and holder is not pinned into a stall: 24 MiB leave less than 8 for pins.
systemctl stop t-shop.service
wait_for 30 inactive pagewarden-hold-t-shop.service
evict "$FILES"/? # what is in memory stays charged to whoever read it
sed -i 's/budget: 7M/budget: 18M/' /etc/pagewarden/policies.d/shop.yaml
systemctl reload pagewarden.service
systemctl set-property --runtime t-narrow.slice MemoryHigh=24M
run_unit t-shop.service --slice=t-narrow.slice -- sleep infinity
bounded() { [[ $(target t-shop.service .pin.bound) == *"memory limit of the service"* ]]; }
wait_for 60 bounded
wait_for 30 target_at_least t-shop.service .pin.locked 1 # it is measured a little later
locked=$(target t-shop.service .pin.locked)
((locked > 0 && locked <= 8 * MIB)) || fail "locked under the limit: $locked"
systemctl revert t-narrow.slice
