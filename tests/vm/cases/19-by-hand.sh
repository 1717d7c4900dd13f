# SPDX-License-Identifier: MIT
# timeout: 480
# pin, unpin, pins: files that are kept in memory by hand, for a time or for a unit, over restarts of the
# controller, within the host's budget, and until they are deleted.
. /payload/tests/vm/pagewarden.sh

none=pagewarden-hold-:hand:.service
shop=pagewarden-hold-:hand:t-shop.service

# pinned FILTER: a jq filter on `pagewarden pins`.
pinned() {
    pagewarden pins --json=short | jq -r "$1"
}

# For wait_for: how many bytes are locked in a unit; whether a file is pinned by hand.
locks() {
    [[ $(locked_in "$1") == "$2" ]]
}
by_hand() {
    [[ $(pinned "[.pins[] | select(.policy == null and .path == \"$FILES/$1\")] | length") == "$2" ]]
}

make_file one 20
make_file two 4
make_file three 3
make_file big 80
make_file catalog 2
mkdir /etc/pagewarden 2>/dev/null || true
printf 'version: 1\npin_budget: 64M\n' >/etc/pagewarden/pagewarden.yaml
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
role: critical
pin:
  budget: 64M
  files:
    - path: $FILES/catalog
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
wait_for 60 target_is t-shop.service .pin.locked $((2 * MIB))

# Locked, and told so, when the command ends.
pagewarden pin "$FILES/one" "$FILES/two" >out || fail "pin: $(cat out)"
assert_match "$(cat out)" '^2 files, 24M; by hand now: 2 files, 24M of 24M locked$'
assert_eq "$(locked_in $none)" $((24 * MIB)) "locked, by smaps"
score_is() { [[ $(cat "/proc/$(main_pid $none)/oom_score_adj") == "$1" ]]; }
wait_for 10 score_is 500
evict "$FILES/one" "$FILES/two"
drop_caches
assert_eq "$(resident "$FILES/one")" $((20 * MIB))
assert_eq "$(pinned '.pins | map(.path) | sort | join(" ")')" "$FILES/catalog $FILES/one $FILES/two"
assert_eq "$(pinned '.pins[] | select(.policy == "shop") | .locked')" $((2 * MIB))
assert_eq "$(pinned ".pins[] | select(.path == \"$FILES/one\") | [.unit, .user, .until_usec, .locked] | tostring")" \
    "[null,0,null,$((20 * MIB))]"

# For a unit, beside what its policy pins, and for a time that goes on over a kill of the controller.
pagewarden pin --unit=t-shop --for=40s "$FILES/three" >/dev/null || fail "pin --unit"
assert_eq "$(locked_in $shop)" $((3 * MIB))
since=$(pinned ".pins[] | select(.path == \"$FILES/three\") | .since_usec")
since_by_policy=$(pinned '.pins[] | select(.policy == "shop") | .since_usec')
((since_by_policy / 1000000 >= CASE_BEGAN)) || fail "the policy's since $since_by_policy"
holder=$(main_pid $none)
controller=$(main_pid pagewarden.service)
kill -KILL "$controller"
another_controller() {
    local pid
    pid=$(main_pid pagewarden.service)
    [[ $pid != 0 && $pid != "$controller" ]] && by_hand one 1
}
wait_for 30 another_controller
assert_eq "$(main_pid $none)" "$holder" "the holder stays"
assert_eq "$(locked_in $none)" $((24 * MIB))
assert_eq "$(pinned ".pins[] | select(.path == \"$FILES/three\") | .since_usec")" "$since"
since_by_policy_is() { [[ $(pinned '.pins[] | select(.policy == "shop") | .since_usec') == "$1" ]]; }
wait_for 20 since_by_policy_is "$since_by_policy"
wait_for 40 inactive $shop
by_hand three 0 || fail "it is still listed"
journal_has 't-shop.service, by hand: 1 file is no longer pinned: the time is over' || fail "expiry is not told"

# Never more than the host's budget, which is told; what fits is locked.
if pagewarden pin "$FILES/big" >out 2>err; then fail "more than the budget"; fi
assert_match "$(cat err)" "pinned less than wanted: all pins together would take more than the host's pin_budget"
(($(locked_in $none) <= 62 * MIB)) || fail "the budget is exceeded"
(($(locked_in $none) > 40 * MIB)) || fail "there was room for more"
assert_match "$(pagewarden status)" 'by hand: 3 files, .* of 104M locked'
pagewarden unpin "$FILES/big" >out || fail "unpin"
assert_eq "$(cat out)" "1 file no longer pinned by hand"
wait_for 15 locks $none $((24 * MIB))

# A holder that dies is replaced; a deleted file is let go.
kill -KILL "$(main_pid $none)"
wait_for 40 locks $none $((24 * MIB))
rm "$FILES/two"
wait_for 30 locks $none $((20 * MIB))
journal_has "by hand: $FILES/two is no longer there, letting it go" || fail "letting go is not told"

# A unit that ends takes what was pinned for it along.
pagewarden pin --unit=t-shop.service "$FILES/three" >/dev/null || fail "pin for a unit"
if pagewarden pin --unit=t-none "$FILES/three" 2>err; then fail "a unit that does not run"; fi
assert_match "$(cat err)" 'no such unit is running'
systemctl stop t-shop.service
wait_for 30 inactive $shop

# Root alone; and what is no file.
chmod 755 "$FILES"
chmod 644 "$FILES/one"
if setpriv --reuid=65534 --clear-groups pagewarden pin "$FILES/one" 2>err; then fail "anybody may pin"; fi
assert_match "$(cat err)" 'not allowed'
if setpriv --reuid=65534 --clear-groups pagewarden pins 2>err; then fail "anybody is told"; fi
if pagewarden pin /dev/null "$FILES" "$FILES/none" 2>err; then fail "no files"; fi
assert_match "$(cat err)" 'is a device'
assert_match "$(cat err)" 'is a folder'

# Reading ahead locks nothing.
evict "$FILES/big"
pagewarden warm --json=short "$FILES/big" >out || fail "warm"
assert_eq "$(jq '.total.read' out)" $((80 * MIB))

if pagewarden unpin "$FILES/big" 2>err; then fail "it was not pinned"; fi
pagewarden unpin --all >/dev/null || fail "unpin --all"
wait_for 15 inactive $none
assert_eq "$(pinned '.pins | length')" 0
pagewarden pin --for=1h "$FILES/one" >/dev/null || fail "pin right after unpin"
systemctl stop pagewarden.service
wait_for 15 inactive $none
[[ ! -e /run/pagewarden/by-hand ]] || fail "the record is left"
