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
counter=/run/t-stream
trap 'rm -f "$counter" /run/t-shop.json' EXIT

start_stream() {
    : >"$counter"
    # shellcheck disable=SC2016
    run_unit t-stream.service -- bash -c 'while :; do for f in "${@:2}"; do cat "$f" >/dev/null; printf . >>"$1"; done; done' \
        - "$counter" "${stream[@]}"
}

# Files streamed within so many seconds.
rate_over() {
    local before
    before=$(stat --format=%s "$counter")
    sleep "$1"
    echo $(($(stat --format=%s "$counter") - before))
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
systemctl stop t-shop.service
alone=$(rate_over 15)
systemctl stop t-stream.service
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
echo "beside pagewarden: $kept MiB kept, $refaults refaults; the neighbour reads $(rate_over 10) files in 10 s"
pagewarden status
journalctl -o cat --no-pager --since="@$CASE_BEGAN" -u pagewarden.service | tail -n 40
((kept * 10 >= 256 * 9)) || fail "only $kept of 256 MiB kept"
((refaults * 20 <= (bare > 1000 ? bare : 1000))) || fail "$refaults refaults, without pagewarden $bare"

systemctl stop t-shop.service
wait_for 30 high_is t-stream.service max
# Others work on this machine, too: the best of some windows.
best=0
for _ in 1 2 3 4; do
    after=$(rate_over 15)
    ((best = after > best ? after : best))
    ((best * 10 < alone * 7)) || break
done
echo "the neighbour: $alone files in 15 s alone, $best after it was given everything back"
((best * 10 >= alone * 7)) || fail "the neighbour reads $best files in 15 s, alone $alone"
