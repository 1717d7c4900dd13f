# SPDX-License-Identifier: MIT
# The unit: valid, well confined, watched, and tidy.
. /payload/tests/vm/pagewarden.sh

systemd-analyze verify --man=no pagewarden.service
start_daemon
score=$(systemd-analyze security --no-pager pagewarden.service | grep -oE 'exposure level for [^ ]+: [0-9.]+' | grep -oE '[0-9.]+$')
echo "exposure: $score"
awk -v score="$score" 'BEGIN { exit !(score > 0 && score <= 2.2) }' || fail "exposure is $score"

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
