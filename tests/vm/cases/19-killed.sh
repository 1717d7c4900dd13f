# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# The daemon is killed at random moments of pinning and letting go; then all is locked, once, and nothing else.
. /payload/tests/vm/pagewarden.sh

seed=${SEED:-$$}
RANDOM=$seed
echo "SEED=$seed"
mkdir "$FILES"/{a,b,c}
for folder in a b c; do
    for i in {1..40}; do
        head -c 128K /dev/urandom >"$FILES/$folder/$i"
    done
done
# Not again by itself, and as often as we like.
mkdir -p /run/systemd/system/pagewarden.service.d
printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=no\n' >/run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
run_unit t-shop.service -- sleep infinity

# want FOLDERS: what is to be pinned from now on
want() {
    policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 32M
  files: [{ path: "$FILES/$1/*" }]
POLICY
}

holder=pagewarden-hold-t-shop.service
folders=('a' 'b' 'c' '{a,b}' '{b,c}' '{a,c}')
part=0 pid=0
reach=1000 # milliseconds; further where a slow guest has not come to pinning by then
for ((round = 0; round < 8 || (round < 16 && part < 2); round++)); do
    want "${folders[RANDOM % 6]}"
    start_daemon
    moment=$((RANDOM % reach))
    sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
    systemctl kill --signal=KILL --kill-whom=main pagewarden.service
    wait_for 20 inactive pagewarden.service
    locked=$(locked_in $holder)
    if ((locked > 0)); then ((++part)); else ((reach = reach < 8000 ? reach * 3 / 2 : reach)); fi
    # Once there is one, it stays.
    now=$(main_pid $holder)
    ((pid == 0)) || assert_eq "$now" "$pid" "the same holder"
    pid=$now
done
((part >= 2)) || fail "the daemon was killed before it had begun, only $part times later"

want '{a,c}'
start_daemon
total=$((80 * 128 * 1024))
wait_for 60 target_is t-shop.service .pin.locked $total
wait_for 30 target_is t-shop.service .pin.state settled
assert_eq "$(locked_in $holder)" $total
assert_eq "$(systemctl list-units --plain --no-legend 'pagewarden-hold-*' | wc -l)" 1 "holders"
pid=$(main_pid $holder)
mapped=$(awk -v files="$FILES/" 'index($6, files) == 1 { print $6 }' "/proc/$pid/maps" | sort)
assert_eq "$mapped" "$(printf '%s\n' "$FILES"/{a,c}/* | sort)" "what it has mapped, each once"
assert_eq "$(find "/proc/$pid/fd" -lname "$FILES/*" | wc -l)" 0 "descriptors that it keeps"
rm /run/systemd/system/pagewarden.service.d/t.conf
systemctl daemon-reload
