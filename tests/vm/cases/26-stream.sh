# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# What reads or writes once leaves nothing behind; what was in memory before, what others have mapped, and what is
# pinned by hand, stays.
. /payload/tests/vm/pagewarden.sh

mount_data
stream=(/srv/backup/{36..47})
before=/srv/backup/40 mapped=/srv/backup/41 pinned=/srv/backup/42
finished=$FILES/finished
trap 'rm -f /run/t-shop.json' EXIT
policy backup <<POLICY
version: 1
match: { units: [t-backup.service, t-writer.service] }
role: background
evict: [ { stream: true } ]
POLICY
start_daemon

drop_caches
run_unit t-shop.service --service-type=notify -- /usr/libexec/pagewarden-tests/shop --mmap --warmup --rate 20 \
    --file "$mapped" --report /run/t-shop.json
cat "$before" >/dev/null
pagewarden pin "$pinned" >/dev/null

# What the unit has of page cache, in MiB, one sample a line, until it is done.
sample() {
    local key value
    until [[ -e $finished ]]; do
        while read -r key value; do
            [[ $key != file ]] || echo $((value / MIB))
        done <"$1/memory.stat"
        sleep 0.1
    done
}

# As the unit, which then waits to be stopped. Without pagewarden it would have all of it in the end.
# The second in front of it is for the first look.
# stays_small UNIT WHAT COMMAND [ARGUMENT...]
stays_small() {
    local unit=$1 sorted began=$SECONDS
    shift
    rm -f "$finished"
    run_unit "$unit" -- bash -c "sleep 1; $2; touch $finished; exec sleep infinity" - "${@:3}"
    sample "$(cgroup_of "$unit")" >"$FILES/samples"
    mapfile -t sorted < <(sort -n "$FILES/samples")
    echo "$1: $((SECONDS - began)) s, ${#sorted[@]} samples, the median ${sorted[${#sorted[@]} / 2]} MiB," \
        "the highest ${sorted[-1]} MiB"
    target "$unit" .evict.stream
    # One that the emulated processor leaves waiting for a second is a stream's second late.
    ((sorted[${#sorted[@]} * 9 / 10] < 64 && sorted[-1] < 128)) || fail "$1: $(paste -sd ' ' "$FILES/samples")"
}

# shellcheck disable=SC2016
stays_small t-backup.service "reading 768 MiB" "exec 8<$before 9<$pinned;"' cat "$@" >/dev/null' "${stream[@]}"
(($(target t-backup.service .evict.bytes) >= 460 * MIB)) || fail "of 576 MiB that were read in, too little was evicted"
assert_eq "$(resident "$before")" $((64 * MIB)) "in memory before"
assert_eq "$(resident "$mapped")" $((64 * MIB)) "mapped by another unit"
assert_eq "$(resident "$pinned")" $((64 * MIB)) "pinned by hand"
wait_for 10 target_is t-backup.service .evict.stream.open_files 1 # of the two that it has open
systemctl stop t-backup.service
wait_for 20 journal_has "t-backup.service: evicted .* behind what it reads and writes"
# And what it had read last is gone, too: before, reclaim keeps 16 MiB for it.
left=0
for file in "${stream[@]}"; do
    [[ $file == "$before" || $file == "$mapped" || $file == "$pinned" ]] || left=$((left + $(resident "$file")))
done
echo "left behind: $((left / MIB)) MiB"
((left < 8 * MIB)) || fail "left behind: $left"

# shellcheck disable=SC2016
stays_small t-writer.service "writing 256 MiB" 'cat "$@" | dd of='"$FILES/copy"' bs=1M iflag=fullblock status=none' "${stream[@]:0:4}"
if has_cachestat; then
    (($(target t-writer.service .evict.stream.written) >= 128 * MIB)) || fail "what was written was left to the kernel"
    (($(target t-writer.service .evict.stream.dropped) >= 300 * MIB)) || fail "of 512 MiB too little was dropped"
else # how much of it was dirty is not known; but no more than 256 MiB of what was dropped was read
    dropped=$(target t-writer.service .evict.stream.dropped)
    ((dropped >= 272 * MIB)) || fail "what was written was not dropped: $dropped"
fi
