# SPDX-License-Identifier: MIT
# What rules leave out, which part of a file they mean, and what comes first.
. /payload/tests/vm/pagewarden.sh

mkdir -p "$FILES/base/tmp"
make_file base/long 6
make_file base/whole 2
make_file base/whole_fsm 1
make_file base/tmp/sort 1
make_file base/large 9
make_file other 1
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 6M
  files:
    - path: $FILES/base/**
      exclude: ["*_{fsm,vm}", "$FILES/base/tmp/**"]
      max_size: 8M
      range: 0-4M
      lock: populate
    - path: $FILES/*
      exclude: [base]
  order: [smallest, listed]
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
wait_for 60 target_is t-shop.service .pin.locked $((6 * MIB))
find "$FILES" -type f | while read -r file; do evict "$file"; done
assert_eq "$(resident "$FILES/other")" $((1 * MIB)) "the smallest, though listed last"
assert_eq "$(resident "$FILES/base/whole")" $((2 * MIB))
assert_eq "$(resident "$FILES/base/long")" $((3 * MIB)) "what is left of the budget"
for file in whole_fsm tmp/sort large; do
    assert_eq "$(resident "$FILES/base/$file")" 0 "$file is left out"
done
assert_eq "$(target t-shop.service .pin.files)" 3
assert_eq "$(target t-shop.service .pin.failed)" 0

# With a larger budget the range is the bound; it can become longer and shorter.
reload() {
    sed -i "$1" /etc/pagewarden/policies.d/shop.yaml
    systemctl reload pagewarden.service
}
reload 's/budget: 6M/budget: 64M/'
wait_for 30 target_is t-shop.service .pin.locked $((7 * MIB))
reload 's/range: 0-4M/range: 0-5M/'
wait_for 30 target_is t-shop.service .pin.locked $((8 * MIB))
reload 's/range: 0-5M/range: 0-512K/'
wait_for 30 target_is t-shop.service .pin.locked $((2 * MIB))
evict "$FILES/base/long" "$FILES/base/whole"
assert_eq "$(resident "$FILES/base/long")" $((MIB / 2)) "a shorter range"
# And what was taken can be too large now.
reload '/range: /d; s/max_size: 8M/max_size: 5M/'
wait_for 30 target_is t-shop.service .pin.locked $((3 * MIB))
evict "$FILES/base/long" "$FILES/base/whole"
assert_eq "$(resident "$FILES/base/long")" 0 "too large now"
assert_eq "$(resident "$FILES/base/whole")" $((2 * MIB)) "as a whole"
