# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# `pagewarden pause` gives all limits and advice back, and takes nothing more, over a restart; `resume` goes on, as if
# it were the first look; pins stay.
. /payload/tests/vm/pagewarden.sh

make_file one 4
# Their pages come in at once.
for size in data:4 once:24 used:16 idle:32 stream:56 hot:24; do truncate -s "${size#*:}M" "$FILES/${size%:*}"; done
policy batch <<POLICY
version: 1
match: { units: [t-batch.service] }
pin: { budget: 8M, files: [ { path: $FILES/one } ] }
memory_high: { mode: fixed, value: 96M }
advise: [ { path: $FILES/data, access: random } ]
POLICY
policy cap <<POLICY
version: 1
match: { units: [t-cap.service] }
cache: { max: 8M }
POLICY
policy track <<POLICY
version: 1
match: { units: [t-track.service] }
memory_high: { mode: track }
POLICY
any_disk
shortage 60M 16M t-backup.service
trap 'rm -f /run/pagewarden/paused' EXIT

declare -A group
# reader NAME SLICE COMMANDS: they find the folder in $0.
reader() {
    run_unit "t-$1.service" --slice="$2" -- sh -c "$3" "$FILES"
    group[$1]=$(cgroup_of "t-$1.service")
}
run_unit t-batch.service -p MemoryHigh=333M -- sh -c "exec 3<$FILES/data; exec sleep infinity"
group[batch]=$(cgroup_of t-batch.service)
# shellcheck disable=SC2016
reader cap system.slice 'while :; do cat "$0/once" >/dev/null; until [ -e "$0/go" ]; do sleep 1; done; rm "$0/go"; done'
# shellcheck disable=SC2016
reader track system.slice 'cat "$0/idle" >/dev/null; while :; do cat "$0/used" >/dev/null; sleep 1
    [ ! -e "$0/more" ] || { rm "$0/more"; cat "$0/idle" >/dev/null; }; done'
# shellcheck disable=SC2016
reader backup t-mem.slice 'while :; do cat "$0/stream" >/dev/null; sleep 0.3; done'
cache_of() { awk '$1 == "file" { print int($2 / 1048576) }' "${group[$1]}/memory.stat"; }
above() { (($(cache_of "$1") >= $2)); }
at_most() { (($(cache_of "$1") <= $2)); }
has_high() { [[ $(<"${group[$1]}/memory.high") == "$2" ]]; }
limited() { ! has_high "$1" max; }
wait_for 60 above cap 22
wait_for 60 above track 44
wait_for 60 above backup 40

start_daemon
wait_for 60 has_high batch $((96 * MIB))
# shellcheck disable=SC2016
reader shop t-mem.slice 'while :; do cat "$0/hot" >/dev/null; sleep 0.2; done'
wait_for 60 target_is t-batch.service .pin.locked $((4 * MIB))
wait_for 30 target_is t-batch.service .advise.descriptors 1
wait_for 60 at_most cap 9
wait_for 60 limited track
squeezed() { limited backup && (($(<"${group[backup]}/memory.high") < 50 * MIB)); }
wait_for 60 squeezed
! setpriv --reuid=65534 --clear-groups pagewarden pause 2>/dev/null || fail "anybody may pause"

as_before() {
    has_high batch $((333 * MIB)) && has_high track max && has_high backup max &&
        target_is t-batch.service .advise.descriptors 0
}
pagewarden pause
wait_for 20 as_before
assert_match "$(pagewarden status 2>&1)" Paused "status does not say it"
# What comes in meanwhile stays, and who suffers goes on to suffer.
touch "$FILES/go" "$FILES/more"
wait_for 60 above cap 22
wait_for 60 above track 44
systemctl restart pagewarden.service
wait_for 60 target_is t-batch.service .pin.locked $((4 * MIB))
wait_for 60 journal_has 't-shop.service: in distress'
sleep 4
as_before || fail "after a restart: $(pagewarden status)"
assert_eq "$(pagewarden status --json=short |
    jq -c '[.paused, ([.targets[] | .memory_high.reclaimed, .cache.reclaimed // 0] | add)]')" '[true,0]' "reclaimed, while it pauses"

resumed=$(date +%s.%N)
pagewarden resume
wait_for 20 has_high batch $((96 * MIB))
wait_for 60 at_most cap 9
wait_for 30 target_is t-batch.service .advise.descriptors 1
# The first thing is to stop its growth: it is squeezed by no more than what comes of that.
set_since() { journalctl -q -o cat --since="@$resumed" -u pagewarden.service | grep -E "^$1: memory.high is [0-9]"; }
wait_for 60 set_since t-backup.service
assert_match "$(set_since t-backup.service | head -n 1)" '\((freeze|room)\)$' "$(set_since t-backup.service)"
wait_for 60 limited track
assert_eq "$(pagewarden status --json=short | jq .paused)" false
