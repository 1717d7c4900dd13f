# SPDX-License-Identifier: MIT
# The units: valid, well confined, watched, and tidy.
. /payload/tests/vm/pagewarden.sh

# exposed UNIT MOST
exposed() {
    local score
    systemd-analyze security --no-pager "$1" >security
    score=$(grep -oE 'exposure level for [^ ]+: [0-9.]+' security | grep -oE '[0-9.]+$')
    echo "exposure of $1: $score"
    awk -v score="$score" -v most="$2" 'BEGIN { exit !(score > 0 && score <= most) }' ||
        fail "exposure of $1 is $score: $(grep -v '^✓' security)"
}

systemd-analyze verify --man=no pagewarden.service pagewarden-warm@.service
make_file one 1
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin: { budget: 8M, files: [ { path: $FILES/one } ] }
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
exposed pagewarden.service 2.2
wait_for 60 target_is t-shop.service .pin.locked $MIB
exposed pagewarden-hold-t-shop.service 1.2
exposed pagewarden-warm@t-shop.service.service 2.2

# The watchdog is fed from the loop: a controller that hangs is killed and started again.
pid=$(main_pid pagewarden.service)
assert_eq "$(systemctl show --value -p WatchdogUSec pagewarden.service)" 30s
(($(systemctl show --value -p WatchdogTimestampMonotonic pagewarden.service) > 0)) || fail "never fed"

# Everybody may read, only root may change.
runuser -u nobody -- pagewarden status --json=short | jq -e .targets >/dev/null || fail "nobody may not read"
message=$(runuser -u nobody -- pagewarden reload 2>&1) && fail "nobody may reload"
assert_match "$message" 'not allowed' "reload as nobody"
systemctl stop pagewarden.service
message=$(pagewarden status 2>&1) && fail "status without a daemon succeeded"
assert_match "$message" 'pagewardend is not running' "status without a daemon"
