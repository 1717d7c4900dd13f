# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 600
# Dirty and mapped pages, and parts of files: what the ladder says it did is what the kernel says is there.
. /payload/tests/vm/pagewarden.sh

# An XFS, whose large folios go as a whole or not at all.
XFS=/var/tmp/t-xfs
modprobe loop
truncate -s 400M "$XFS.img"
mkfs.xfs -q -f "$XFS.img"
mkdir -p "$XFS"
mount -o loop "$XFS.img" "$XFS"

# Room for what must not go there; but where the kernel cannot leave anonymous memory alone, there is no reclaim beside
# swap.
SWAP=/var/tmp/t-swap
fallocate -l 64M "$SWAP"
chmod 600 "$SWAP"
mkswap -q "$SWAP"
! reclaim_spares_anon || swapon "$SWAP"
trap 'echo 500 >/proc/sys/vm/dirty_writeback_centisecs; echo 3000 >/proc/sys/vm/dirty_expire_centisecs; swapoff -a; umount -l "$XFS"; rm -f "$XFS.img" "$SWAP"' EXIT

# What processes map without having it open: a library.
library=(/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-*.so)
cp "${library[0]}" "$FILES/one.so"
cp "${library[0]}" "$FILES/two.so"
head -c 24M /dev/urandom >"$XFS/tail"
head -c 24M /dev/urandom >"$XFS/head"
head -c 24M /dev/urandom >"$XFS/range"
sync "$FILES"/*.so "$XFS"/*
evict "$FILES"/*.so # whoever maps them next is charged for them

policy job <<POLICY
version: 1
match: { units: [t-job.service] }
role: background
evict:
  - { path: "$FILES/*.so", idle: 1s, every: 1s, mapped: page-out }
  - { path: $XFS/tail, idle: 1s, every: 1s, keep: last 5M }
  - { path: $XFS/head, idle: 1s, every: 1s, keep: first 5M }
  - { path: $XFS/range, idle: 1s, every: 1s, range: 5M-17M }
POLICY
run_unit t-one.service --setenv=LD_PRELOAD="$FILES/one.so" -- sleep infinity
# shellcheck disable=SC2016
run_unit t-job.service -- sh -c 'export LD_PRELOAD=$0; sleep infinity & exec sleep infinity' "$FILES/two.so"
sleep 1

# Mapped, all of it in memory, and not to be had by advice.
cat "$FILES"/*.so >/dev/null
evict "$FILES"/*.so
for name in one two; do
    grep -q "$FILES/$name.so" /proc/*/maps || fail "nobody maps $name.so"
    (($(resident "$FILES/$name.so") > 0)) || fail "$name.so is not held by who maps it"
done

start_daemon
cat "$XFS"/* >/dev/null

# To ask for a file's residency opens it, and makes it one that is in use: so it is waited for what is told.
by() { target_at_least t-job.service ".evict.by[\"$1\"]" "$2"; }
assert_gone() { assert_eq "$(resident "$1")" 0 "$1"; }

# One process: taken out of it. Several of one unit: reclaimed from its cgroup.
wait_for 200 by page-out 4096
# The relocations that it has written into its copy of the library are its own.
assert_eq "$(sed -n 's/^VmSwap:[[:space:]]*//p' "/proc/$(systemctl show -P MainPID t-one.service)/status")" "0 kB" "swapped out"
wait_for 200 by reclaim 4096
assert_gone "$FILES/one.so"
# The kernel finds no page that is on its way between its lists.
left=$(resident "$FILES/two.so")
((left <= 65536)) || fail "$left of two.so are left"

# Parts stay, to the byte, and at most one folio more.
wait_for 200 by advise $((42 * MIB))
kept() {
    local bytes
    bytes=$(resident "$1")
    ((bytes >= 5 * MIB && bytes <= 7 * MIB)) || fail "$bytes of $1 are left"
}
kept "$XFS/tail"
kept "$XFS/head"
# Of a range nothing beyond its ends goes.
pagewarden inspect --map --json=short "$XFS/range" | jq -e --argjson m $MIB '.files[0].ranges |
    length == 2 and .[0].offset == 0 and .[0].length >= 5 * $m and .[0].length <= 7 * $m and
    .[1].offset <= 17 * $m and .[1].offset >= 15 * $m and .[1].offset + .[1].length == 24 * $m'
tail -c 5M "$XFS/tail" | cmp - <(tail -c 5M "$XFS/tail") # reads what was kept
kept "$XFS/tail"

# Dirty pages are written back, by nobody else here: the kernel's threads would do it after half a minute, and where the
# processor is emulated a look may come later than that.
echo 0 >/proc/sys/vm/dirty_writeback_centisecs
! has_cachestat || echo 360000 >/proc/sys/vm/dirty_expire_centisecs
policy job <<POLICY # no more than is needed: where the processor is emulated each look has to rest for long
version: 1
match: { units: [t-job.service] }
role: background
evict: [ { path: $FILES/written, idle: 1s, every: 1s, dirty: write-back, rate: 100M/s } ]
POLICY
head -c 8M /dev/urandom >"$FILES/new"
sum=$(sha256sum <"$FILES/new")
before=$(target t-job.service .evict.bytes)
mv "$FILES/new" "$FILES/written"
systemctl reload pagewarden.service
# A look that is over in the middle finds clean in the next one what it has written. Which is not counted where nobody
# knows what is dirty.
! has_cachestat || wait_for 200 target_at_least t-job.service .evict.written $((6 * MIB))
wait_for 200 target_at_least t-job.service .evict.bytes $((before + 6 * MIB))
assert_gone "$FILES/written"
assert_eq "$(sha256sum <"$FILES/written")" "$sum" "what was written back"
target t-job.service .evict
