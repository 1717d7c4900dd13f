# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# Evicting touches nothing that the policy does not name, goes on past what is in its way, and loses nothing when
# the disk fails or the power does.
. /payload/tests/vm/pagewarden.sh

M=/var/tmp/t-mounts
mkdir -p "$M"/{bad,clone,live,disks}
cleanup() {
    local name
    echo 500 >/proc/sys/vm/dirty_writeback_centisecs
    for name in bad clone live disks "$FILES/in/later" "$FILES/in/covered"; do
        umount -l "$M/$name" 2>/dev/null || umount -l "$name" 2>/dev/null || true
    done
    rm -rf "$M"
}
trap cleanup EXIT

# A folder in which everything else than files is, and one name that is a link to a file outside now and then.
make_file outside 4
mkdir "$FILES/in"
mkfifo "$FILES/in/fifo"
mknod "$FILES/in/device" c 10 144 2>/dev/null || true
make_file in/zz-last 1
make_file in/zz-other 2
make_file in/swapped 1

# A disk that fails to write at its end: as under device-mapper's error target, but it can be mended while mounted.
modprobe null_blk nr_devices=0
bad=/sys/kernel/config/nullb/t-bad
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
mkdir "$bad"
echo 128 >"$bad/size"
echo 1 >"$bad/memory_backed"
echo 1 >"$bad/power"
wait_for 5 test -b /dev/t-bad
mkfs.ext4 -q -O ^has_journal /dev/t-bad
mount /dev/t-bad "$M/bad"
head -c 4M /dev/urandom >"$M/bad/good"
head -c 4M /dev/urandom >"$M/bad/lost"
head -c 1M /dev/urandom >"$M/bad/flushed"
sync "$M/bad"/*
fails_from_now() {
    local first
    first=$(filefrag -b512 -v "$1" | awk '$1 == "0:" { print $4 + 0 }')
    echo "+$first-$((first + 64))" >"$bad/badblocks"
}

policy job <<POLICY
version: 1
match: { units: [t-job.service] }
evict:
  - { path: $FILES/in/**, idle: 1s, every: 1s }
  - { path: $M/bad/good, idle: 1s, every: 1s, dirty: write-back }
  - { path: $M/bad/lost, idle: 1s, every: 1s, dirty: write-back }
  - { path: $M/bad/flushed, idle: 1s, every: 1s }
POLICY
run_unit t-job.service -- sleep infinity
start_daemon

# Written again, and now the disk does not take it. The rest goes on. One the kernel writes back first, and it looks
# clean; the others nobody else does.
echo 0 >/proc/sys/vm/dirty_writeback_centisecs
fails_from_now "$M/bad/flushed"
dd if=/dev/urandom of="$M/bad/flushed" bs=1M count=1 conv=notrunc status=none
flushed=$(sha256sum <"$M/bad/flushed")
if sync -f "$M/bad"; then fail "the disk has taken it"; fi
fails_from_now "$M/bad/lost"
dd if=/dev/urandom of="$M/bad/lost" bs=1M count=4 conv=notrunc status=none
dd if=/dev/urandom of="$M/bad/good" bs=1M count=4 conv=notrunc status=none
sum=$(sha256sum <"$M/bad/lost")
wait_for 200 target_at_least t-job.service '.evict.by["write-back"]' $((3 * MIB))
refused() { wait_for 200 journal_has "evicting $M/bad/.*: $M/bad/$1: Input/output error"; }
refused lost
# Where nobody can tell what is dirty, what has not been written for long counts as clean, but only if the kernel writes
# by itself.
has_cachestat || echo 100 >/proc/sys/vm/dirty_writeback_centisecs
refused flushed
# Nor does anybody who evicts by hand take it, to whom it seems to be clean; nor the next controller, see below.
assert_bad_stays() {
    assert_eq "$(sha256sum <"$M/bad/lost")" "$sum" "what the disk did not take, in memory"
    assert_eq "$(sha256sum <"$M/bad/flushed")" "$flushed" "what the disk did not take from the kernel, in memory"
}
if pagewarden evict "$M/bad/lost" 2>/dev/null; then fail "evicted by hand"; fi
if pagewarden evict --dirty=write-back "$M/bad/flushed" 2>/dev/null; then fail "evicted by hand"; fi
assert_bad_stays
# And whoever wrote it still learns that it is not on the disk.
for name in lost flushed; do
    if sync "$M/bad/$name" 2>/dev/null; then fail "the error was taken from the writer of $name"; fi
done

policy job <<POLICY # no more than is needed: where the processor is emulated each look has to rest for long
version: 1
match: { units: [t-job.service] }
evict:
  - { path: $FILES/in/**, idle: 1s, every: 1s }
  - { path: $M/bad/lost, idle: 1s, every: 1s, dirty: write-back }
POLICY
systemctl restart pagewarden.service
wait_for 60 target_at_least t-job.service .evict.bytes 0

# Swapped under the walk, many times a second; and mounts that come and go in the middle of it, over a folder and
# over a file.
cat "$FILES/outside" >/dev/null
mkdir "$FILES/in/later" "$M/under"
make_file in/covered 1
cp "$FILES/in/covered" "$M/under/file"
(
    cd "$FILES/in" || exit
    end=$((SECONDS + 8))
    while ((SECONDS < end)); do
        ln -sf ../outside link
        mv -T link swapped
        cp zz-last link
        mv -T link swapped
        mount --bind "$M/under" later
        mount --bind "$M/under/file" covered
        umount -l later covered
    done
) &
swapper=$!
before=$(target t-job.service .evict.bytes)
cat "$FILES/in/zz-other" >/dev/null
wait_for 200 target_at_least t-job.service .evict.bytes $((before + 2 * MIB))
wait "$swapper"
assert_eq "$(resident "$FILES/outside")" $((4 * MIB)) "a file outside of the policy"
assert_bad_stays

# The power goes while files are written, synced and evicted: a clone of the disk's image is the disk as it was at one
# moment. What was synced before is there.
modprobe loop
truncate -s 300M "$M/disks.img"
mkfs.btrfs -q "$M/disks.img"
mount -o loop "$M/disks.img" "$M/disks"
truncate -s 100M "$M/disks/live"
mkfs.ext4 -q "$M/disks/live"
losetup --direct-io=on -f "$M/disks/live"
mount "$(losetup -j "$M/disks/live" | cut -d: -f1)" "$M/live"
policy job <<POLICY
version: 1
match: { units: [t-job.service] }
evict: [ { path: $M/live/*, idle: 1s, every: 1s, dirty: write-back, mapped: page-out } ]
POLICY
systemctl reload pagewarden.service
(
    i=0
    while [[ ! -e $M/enough ]]; do
        i=$((i + 1))
        head -c 256K /dev/urandom >"$M/live/$i"
        sync "$M/live/$i" "$M/live"
        (cd "$M/live" && sha256sum "$i") >>"$M/sums"
        echo more >>"$M/live/unsynced"
    done
) &
writer=$!
written() { (($(wc -l <"$M/sums") >= $1)); }
touch "$M/sums"
before=$(target t-job.service .evict.bytes)
wait_for 200 written 5
wait_for 200 target_at_least t-job.service .evict.bytes $((before + MIB))
cp "$M/sums" "$M/sums-then"
# A power cut: of all that this kernel has in memory, none is in the disk's image of one instant.
cp --reflink=always "$M/disks/live" "$M/disks/clone"
touch "$M/enough"
wait "$writer"
mount -o loop "$M/disks/clone" "$M/clone"
(cd "$M/clone" && sha256sum --quiet --check "$M/sums-then") || fail "what was synced is lost"
umount "$M/live"
losetup -D
rmdir "$bad" 2>/dev/null || { umount "$M/bad"; echo 0 >"$bad/power"; rmdir "$bad"; }
