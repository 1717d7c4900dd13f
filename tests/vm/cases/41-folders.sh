# SPDX-License-Identifier: MIT
# Four folders, drop-ins and masks; the settings; what the commands say of them.
. /payload/tests/vm/pagewarden.sh

put() { # PATH: standard input is the file
    mkdir -p "${1%/*}"
    cat >"$1"
}
in_force() {
    systemctl reload pagewarden.service
    wait_for 20 high_is t-shop.service "$1"
}
state_of() {
    pagewarden list-policies --json=short | jq -r --arg name "$1" '.policies[] | select(.name == $name) | .state'
}
trap 'rm -rf /usr/lib/pagewarden /usr/local/lib/pagewarden /run/pagewarden/policies.d' EXIT

put /usr/lib/pagewarden/policies.d/shop.yaml <<POLICY
version: 1
match: { units: [t-shop.service] }
memory_high: { mode: fixed, value: 100M }
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
wait_for 30 high_is t-shop.service $((100 * MIB))

# A drop-in of any folder merges; the first folder with the name has the policy.
put /etc/pagewarden/policies.d/shop.yaml.d/50-local.yaml <<POLICY
memory_high: { value: 90M }
POLICY
in_force $((90 * MIB))
put /usr/local/lib/pagewarden/policies.d/shop.yaml.d/60-site.yaml <<POLICY
memory_high: { value: 85M }
POLICY
in_force $((85 * MIB))
put /run/pagewarden/policies.d/shop.yaml <<POLICY
version: 1
match: { units: [t-shop.service] }
memory_high: { mode: fixed, value: 70M }
POLICY
in_force $((85 * MIB))
assert_match "$(pagewarden cat-config shop)" 'value: 85M +# /usr/local/lib/pagewarden/policies.d/shop.yaml.d/60-site.yaml:1'
assert_match "$(pagewarden cat-config shop)" 'mode: fixed +# /run/pagewarden/policies.d/shop.yaml:3'
ln -s /dev/null /etc/pagewarden/policies.d/shop.yaml.d/60-site.yaml
rm /etc/pagewarden/policies.d/shop.yaml.d/50-local.yaml
in_force $((70 * MIB))

# What is wrong in a drop-in is told with its place, and changes nothing.
put /etc/pagewarden/policies.d/shop.yaml.d/50-local.yaml <<POLICY
memory_high: { valu: 60M }
POLICY
output=$(pagewarden reload 2>&1) && fail "reload of a bad drop-in succeeded"
assert_match "$output" '/etc/pagewarden/policies.d/shop.yaml.d/50-local.yaml:1:16: unknown key "valu" in memory_high \(did you mean "value"\?\)'
output=$(pagewarden verify 2>&1) && fail "verify of a bad drop-in succeeded"
assert_match "$output" '50-local.yaml:1:16: unknown key "valu"'
rm /etc/pagewarden/policies.d/shop.yaml.d/50-local.yaml

# A mask is as if there were no policy; the sandbox of the service sees the null device as one.
ln -s ../../../dev/null /etc/pagewarden/policies.d/shop.yaml
in_force max
assert_eq "$(state_of shop)" masked
rm /etc/pagewarden/policies.d/shop.yaml
in_force $((70 * MIB))
assert_eq "$(state_of shop)" "in force"

# Drop-ins alone are told of.
put /etc/pagewarden/policies.d/lonely.yaml.d/10-x.yaml <<POLICY
role: critical
POLICY
systemctl reload pagewarden.service
journal_has 'lonely.yaml.d: warning: there is no policy "lonely" to merge these drop-ins into' ||
    fail "the journal has no warning"
assert_eq "$(state_of lonely)" missing
rm -r /etc/pagewarden/policies.d/lonely.yaml.d

# A link to nothing is no mask, but a mistake.
ln -s /nowhere /etc/pagewarden/policies.d/gone.yaml
output=$(pagewarden reload 2>&1) && fail "reload with a dangling link succeeded"
assert_match "$output" '/etc/pagewarden/policies.d/gone.yaml: '
rm /etc/pagewarden/policies.d/gone.yaml

# The settings: all or nothing too.
put /etc/pagewarden/pagewarden.yaml <<SETTINGS
version: 1
pin_budget: 24M
SETTINGS
put /etc/pagewarden/pagewarden.yaml.d/10-level.yaml <<SETTINGS
log_level: debug
interval: 500ms
SETTINGS
make_file a 32
policy pins <<POLICY
version: 1
match: { units: [t-pins.service] }
pin: { budget: 40M, files: [ { path: $FILES/* } ] }
POLICY
run_unit t-pins.service -- sleep infinity
systemctl reload pagewarden.service
bounded() { [[ $(target t-pins.service .pin.bound) == *"pin_budget"* ]]; }
wait_for 60 bounded
wait_for 30 target_at_least t-pins.service .pin.locked 1 # what is measured comes behind
locked=$(target t-pins.service .pin.locked)
((locked > 0 && locked <= 24 * MIB)) || fail "$locked bytes are pinned, and the host's budget is 24 MiB"
journal_has 't-pins.service: pins: .* -> ' || fail "log_level: debug says nothing more"
plan=$(pagewarden plan pins --json=short)
assert_eq "$(jq -r '.policies[0].units[0].unit' <<<"$plan")" t-pins.service "plan"
printf 'pin_budget: lots\n' | put /etc/pagewarden/pagewarden.yaml.d/20-bad.yaml
output=$(pagewarden reload 2>&1) && fail "reload of bad settings succeeded"
assert_match "$output" '/etc/pagewarden/pagewarden.yaml.d/20-bad.yaml:1:13: "lots" is not a size'
rm -r /etc/pagewarden/pagewarden.yaml /etc/pagewarden/pagewarden.yaml.d
systemctl reload pagewarden.service
wait_for 60 target_is t-pins.service .pin.locked $((32 * MIB))
