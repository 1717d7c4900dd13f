# SPDX-License-Identifier: MIT
# No policies, a bad one at start, a bad one at reload, a good one.
. /payload/tests/vm/pagewarden.sh

start_daemon
assert_eq "$(systemctl is-active pagewarden.service)" active "without any policy"
journal_has 'There are no policies: nothing is governed. Put them into /etc/pagewarden/policies.d' || fail "not told"
assert_eq "$(pagewarden status --json=short | jq -c .targets)" '[]'
systemctl stop pagewarden.service

policy good <<POLICY
version: 1
match: { units: [t-good.service] }
memory_high: { mode: fixed, value: 100M }
POLICY
policy bad <<POLICY
version: 1
match: { units: [t-bad.service] }
pin: { bugdet: 1M }
POLICY
run_unit t-good.service -- sleep infinity
run_unit t-bad.service -- sleep infinity
start_daemon
wait_for 30 high_is t-good.service $((100 * MIB))
assert_eq "$(target t-bad.service .unit)" null "the refused policy governs nothing"
error=$(pagewarden status --json=short | jq -r '.policies[] | select(.name == "bad") | "\(.state) \(.error)"')
assert_match "$error" '^refused .*/etc/pagewarden/policies.d/bad.yaml:3:8: unknown key "bugdet" in pin' "status"
journal_has '/etc/pagewarden/policies.d/bad.yaml:3:8: ' || fail "the journal does not name the place"

# At reload: nothing changes, the command fails and says where.
rm /etc/pagewarden/policies.d/bad.yaml
systemctl reload pagewarden.service
journal_has '1 policy in force' || fail "the number of policies is not told"
printf 'version: 1\nmatch: { units: [t-good.service] }\nmemory_high: { mode: fixd, value: 80M }\n' |
    policy good
if systemctl reload pagewarden.service; then fail "reload of a bad policy succeeded"; fi
output=$(pagewarden reload 2>&1) && fail "pagewarden reload of a bad policy succeeded"
assert_match "$output" 'good.yaml:3:22: .*fixd' "pagewarden reload"
sleep 3
assert_eq "$(memory_high t-good.service)" $((100 * MIB)) "the old one stays"
assert_match "$(pagewarden status --json=short | jq -r '.policies[] | "\(.name) \(.state) \(.error)"')" 'good loaded .*:3:22:'

sed -i 's/fixd/fixed/' /etc/pagewarden/policies.d/good.yaml
systemctl kill --signal=HUP pagewarden.service
wait_for 20 high_is t-good.service $((80 * MIB))

# A policy that goes gives back what it took.
rm /etc/pagewarden/policies.d/good.yaml
systemctl reload pagewarden.service
wait_for 20 high_is t-good.service max
gone() { [[ $(target t-good.service .unit) == null ]]; }
wait_for 20 gone

# observe: decides, and changes nothing.
policy watch <<POLICY
version: 1
mode: observe
match: { units: [t-good.service] }
memory_high: { mode: fixed, value: 90M }
pin: { budget: 1M, files: [ { path: /etc/hostname } ] }
POLICY
systemctl reload pagewarden.service
wait_for 20 target_is t-good.service .memory_high.reason fixed
sleep 2
assert_eq "$(memory_high t-good.service)" max "observe"
inactive pagewarden-hold-t-good.service || fail "a holder runs for an observed service"

# A unit that is known gets another policy, which another one draws with.
for name in first second; do
    policy "$name" <<POLICY
version: 1
role: background
match: { units: [t-good.service] }
memory_high: { mode: fixed, value: 70M }
POLICY
done
rm /etc/pagewarden/policies.d/watch.yaml
printf 'version: 1\ninterval: 1m\n' >/etc/pagewarden/pagewarden.yaml
systemctl reload pagewarden.service
journal_has 't-good.service: policies "first" and "second" match it equally well; "first" governs it' ||
    fail "the draw is not told"
journal_has 't-good.service: governed by policy "first" [(]background[)]' || fail "the new policy is not told"

# A shorter interval does not wait for the end of the longer one.
rm /etc/pagewarden/policies.d/second.yaml /etc/pagewarden/pagewarden.yaml
systemctl reload pagewarden.service
wait_for 20 high_is t-good.service $((70 * MIB))
