# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 600
# alone: how fast a stream runs
# A neighbour that streams through the page cache gives way to a service that reads single pages: with `yield`
# alone, no pin and no file named, the service keeps its file; and the neighbour gets all back.
. /payload/tests/vm/pagewarden.sh

mount_data
programs=/usr/libexec/pagewarden-tests
mapfile -t stream < <(find /srv/backup -type f | sort | head -n 25) # 1.6 GB
trap 'rm -f /run/t-shop.json' EXIT

start_stream() {
    # shellcheck disable=SC2016
    run_unit t-stream.service -- bash -c 'while :; do for f; do cat "$f" >/dev/null; done; done' - "${stream[@]}"
}

# The service with its file in memory, beside a stream for 45 s: sets $refaults and $kept (MiB).
run_beside() {
    local before
    run_unit t-shop.service --service-type=notify -- "$programs/shop" --warmup --rate 200 --file /srv/shop/data --report /run/t-shop.json
    systemctl kill --signal=USR1 --kill-whom=main t-shop.service
    sleep 2
    before=$(memory_stat t-shop.service workingset_refault_file)
    start_stream
    sleep 45
    refaults=$(($(memory_stat t-shop.service workingset_refault_file) - before))
    kept=$(($("$programs/watch" --once --file /srv/shop/data | jq .resident) / MIB))
}

drop_caches
run_beside
echo "unprotected: $kept MiB kept, $refaults refaults"
# What a stream washes out is known of MGLRU. Under the classic lists, which are Debian 12's default, it may be little;
# beside pagewarden as little is lost as there.
if [[ $(cat /sys/kernel/mm/lru_gen/enabled) != 0x0000 ]]; then
    ((refaults >= 1000 && kept < 200)) || fail "inconclusive: nothing was lost"
fi
bare=$refaults
systemctl stop t-shop.service t-stream.service
drop_caches

policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
role: critical
POLICY
policy stream <<POLICY
version: 1
match: { units: [t-stream.service] }
role: background
memory_high: { mode: yield, min: 64M }
POLICY
start_daemon
run_beside
echo "beside pagewarden: $kept MiB kept, $refaults refaults"
pagewarden status
journalctl -o cat --no-pager --since="@$CASE_BEGAN" -u pagewarden.service | tail -n 40
((kept * 10 >= 256 * 9)) || fail "only $kept of 256 MiB kept"
((refaults * 20 <= (bare > 1000 ? bare : 1000))) || fail "$refaults refaults, without pagewarden $bare"

systemctl stop t-shop.service
wait_for 30 high_is t-stream.service max
# Its full speed is what it has while nothing is done to anybody. Others work on this machine, too: it is asked for
# that between, and on and on. It is the only one that reads that disk.
disk=$(basename "$(findmnt -n -o SOURCE /srv)")
declare -A sectors=() usec=()
stream_for() {
    local stat began=${EPOCHREALTIME/./} before
    read -r -a stat <"/sys/class/block/$disk/stat"
    before=${stat[2]}
    sleep 3
    read -r -a stat <"/sys/class/block/$disk/stat"
    sectors[$1]=$((${sectors[$1]:-0} + stat[2] - before))
    usec[$1]=$((${usec[$1]:-0} + ${EPOCHREALTIME/./} - began))
}
throttled() { awk '$1 == "high" { print $2 }' "$(cgroup_of t-stream.service)/memory.events"; }
before=$(throttled)
for round in {1..10}; do
    stream_for governed
    pagewarden pause
    stream_for free
    pagewarden resume
    share=$((sectors[governed] * usec[free] / (usec[governed] * sectors[free] / 100)))
    echo "after $round rounds: $((sectors[governed] / 2048)) MiB in $((usec[governed] / 1000000)) s, $share % of its full speed"
    ((round < 3 || share < 90)) || break
done
((share >= 90)) || fail "the neighbour reads at $share % of its full speed"
assert_eq "$(throttled)" "$before" "times that it was throttled"
