# SPDX-License-Identifier: MIT
# What plan says beforehand is what the daemon then does, and saying it changes nothing.
. /payload/tests/vm/pagewarden.sh

# plan_of POLICY FILTER: a jq filter on the policy in `pagewarden plan`
plan_of() {
    pagewarden plan --json=short "$1" | jq -r ".policies[0] | $2"
}

make_file a 6
make_file b 6
make_file old 2
make_file open 2
policy shop <<POLICY
version: 1
match: { units: ["t-shop@*.service"] }
pin:
  budget: 10M
  files:
    - path: $FILES/{b,a}
evict:
  - path: $FILES/o*
    idle: 1s
    every: 1s
POLICY
policy batch <<POLICY
version: 1
match: { units: ["t-*.service"] }
role: background
memory_high: { mode: fixed, value: 100M }
POLICY
run_unit t-shop@1.service -- sleep infinity
run_unit t-batch.service -- sleep infinity
run_unit t-reader.service --property=StandardInput=file:"$FILES/open" -- sleep infinity
cat "$FILES/old" "$FILES/open" >/dev/null

assert_eq "$(plan_of shop '[.units[].unit] | join(" ")')" "t-shop@1.service" "units of shop"
assert_eq "$(plan_of batch '[.units[].unit] | join(" ")')" "t-batch.service t-reader.service" "units of batch"
assert_eq "$(plan_of batch '[.others[] | "\(.unit) \(.policy)"] | join(", ")')" "t-shop@1.service shop"
assert_eq "$(plan_of batch '.units[0].planned | "\(.value) \(.reason)"')" "$((100 * MIB)) fixed"
assert_eq "$(plan_of batch '.units[0].current > 0')" true "use of t-batch"
assert_eq "$(plan_of shop '[.pin.files[] | "\(.path) \(.pinned) \(.resident)"] | join(", ")')" \
    "$FILES/a $((6 * MIB)) 0, $FILES/b $((4 * MIB)) 0" "pins"
assert_eq "$(plan_of shop '[.evict.rules[0].files[] | "\(.path) \(.resident) \(.verdict)"] | join(", ")')" \
    "$FILES/old $((2 * MIB)) evict, $FILES/open $((2 * MIB)) in-use" "evictions"
pagewarden plan --all >/dev/null
assert_eq "$(memory_high t-batch.service)" max "plan set nothing"
assert_eq "$(resident "$FILES/a")" 0 "plan read nothing"
assert_eq "$(resident "$FILES/old")" $((2 * MIB)) "plan evicted nothing"

start_daemon
wait_for 60 target_is t-shop@1.service .pin.locked $((10 * MIB))
wait_for 30 high_is t-batch.service $((100 * MIB))
wait_for 30 high_is t-reader.service $((100 * MIB))
wait_for 30 target_is t-shop@1.service .evict.bytes $((2 * MIB))
assert_eq "$(resident "$FILES/a")" $((6 * MIB)) "as planned: all of it"
assert_eq "$(resident "$FILES/old")" 0 "as planned: evicted"
assert_eq "$(resident "$FILES/open")" $((2 * MIB)) "as planned: left to who has it open"

# Holders are units beside the service, and none that a policy governs.
policy all <<POLICY
version: 1
match: { units: ["*.service"] }
POLICY
assert_eq "$(plan_of all '[.units[].unit | select(test("^pagewarden(-hold-.*)?[.]service$"))] | length')" 0 "our own units"
assert_match "$(plan_of all '[.units[].unit] | join(" ")')" 'systemd-journald.service'
