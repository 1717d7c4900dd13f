# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# On each file system a pinned file stays in memory, tmpfs out of swap too; a hard link is no second file,
# and of a file with holes only the data is locked.
. /payload/tests/vm/pagewarden.sh

M=/run/t-mounts
mkdir -p "$M"
mounts=()

# on_loop TYPE MKFS...: a file system of its own at $M/TYPE
on_loop() {
    local type=$1
    shift
    mkdir -p "$M/$type"
    truncate -s 400M "$FILES/$type.img"
    "$@" "$FILES/$type.img" >/dev/null
    mount -o loop "$FILES/$type.img" "$M/$type"
    mounts+=("$M/$type")
}

put() {
    head -c "$2M" /dev/urandom >"$1"
}

modprobe loop
on_loop ext4 mkfs.ext4 -q
on_loop xfs mkfs.xfs -q
on_loop btrfs mkfs.btrfs -q
mkdir -p "$M/tmpfs" "$M/squashfs" "$M"/ext4/{lower,upper,work} "$M/overlay"
mount -t tmpfs -o size=64M tmpfs "$M/tmpfs"
mkdir "$FILES/squash"
put "$FILES/squash/file" 2
put "$FILES/squash/loose" 2
mksquashfs "$FILES/squash" "$FILES/squashfs.img" -quiet -no-progress >/dev/null
mount -o loop "$FILES/squashfs.img" "$M/squashfs"
put "$M/ext4/lower/lower" 2
put "$M/ext4/lower/loose" 2
mount -t overlay -o "lowerdir=$M/ext4/lower,upperdir=$M/ext4/upper,workdir=$M/ext4/work" overlay "$M/overlay"
mounts+=("$M/tmpfs" "$M/squashfs" "$M/overlay")
put "$M/overlay/upper" 2
for type in ext4 xfs btrfs tmpfs; do
    put "$M/$type/file" 2
    put "$M/$type/loose" 2
    ln "$M/$type/file" "$M/$type/second-name"
    truncate -s 1200G "$M/$type/holes"
    dd if=/dev/urandom of="$M/$type/holes" bs=1M count=1 seek=1100K conv=notrunc status=none
done
mkdir -p /dev/shm/t
put /dev/shm/t/file 2
drop_caches

policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 64M
  files:
    - path: $M/{ext4,xfs,btrfs,tmpfs,squashfs}/file
    - path: $M/{ext4,xfs,btrfs,tmpfs}/second-name
    - path: $M/{ext4,xfs,btrfs,tmpfs}/holes
    - path: $M/overlay/{lower,upper}
    - path: /dev/shm/t/file
POLICY
pinned=("$M"/{ext4,xfs,btrfs,tmpfs,squashfs}/file "$M"/overlay/{lower,upper} /dev/shm/t/file)
loose=("$M"/{ext4,xfs,btrfs,squashfs,overlay}/loose)
sparse=("$M"/{ext4,xfs,btrfs,tmpfs}/holes)
total=$((2 * MIB * ${#pinned[@]} + MIB * ${#sparse[@]}))
run_unit t-shop.service -- sleep infinity
start_daemon
wait_for 60 target_is t-shop.service .pin.locked $total
assert_eq "$(target t-shop.service .pin.files)" $((${#pinned[@]} + ${#sparse[@]})) "files, each once"
assert_eq "$(target t-shop.service .pin.failed)" 0
assert_eq "$(locked_in pagewarden-hold-t-shop.service)" $total

# All that takes away what is not locked.
fallocate -l 64M "$FILES/swap"
chmod 600 "$FILES/swap"
mkswap -q "$FILES/swap"
swapon "$FILES/swap"
cat "${loose[@]}" >/dev/null
for file in "${loose[@]}"; do
    assert_eq "$(resident "$file")" $((2 * MIB)) "before: $file"
done
vmtouch -q -e "${pinned[@]}" "${loose[@]}"
# What is read ahead around the data is not locked, and goes.
for file in "${sparse[@]}"; do
    dd if="$file" of=/dev/null bs=1M count=2 skip=1100K status=none
done
for cgroup in "$(sed s/^0::// /proc/self/cgroup)" /system.slice/t-shop.service \
    "/$(systemctl show --value -p ControlGroup pagewarden-hold-t-shop.service)"; do
    # A shortfall is an error, and expected.
    echo 96M 2>/dev/null >"/sys/fs/cgroup/$cgroup/memory.reclaim" || true
done
drop_caches
for file in "${loose[@]}"; do
    assert_eq "$(resident "$file")" 0 "not pinned: $file"
done
(($(resident "$M/tmpfs/loose") < 2 * MIB)) || fail "what is not pinned of a tmpfs was not swapped out"
for file in "${pinned[@]}"; do
    assert_eq "$(resident "$file")" $((2 * MIB)) "pinned: $file"
done
# Without cachestat(2) each page of 1200 GiB would be asked for; what is locked is counted below.
if has_cachestat; then
    for file in "${sparse[@]}"; do
        assert_eq "$(resident "$file")" $MIB "data of: $file"
    done
fi
assert_eq "$(locked_in pagewarden-hold-t-shop.service)" $total "afterwards"

systemctl stop pagewarden.service
wait_for 20 inactive pagewarden-hold-t-shop.service
swapoff "$FILES/swap"
for ((i = ${#mounts[@]}; i-- > 0;)); do
    umount "${mounts[i]}"
done
rm -r /dev/shm/t "$M"
