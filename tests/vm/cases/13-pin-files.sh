# SPDX-License-Identifier: MIT
# What cannot be pinned is told, file by file, and does not keep the rest from being pinned.
. /payload/tests/vm/pagewarden.sh

make_file good 2
: >"$FILES/empty"
mkfifo "$FILES/fifo"
mknod "$FILES/device" c 1 3
ln -s good "$FILES/link"
chown -h nobody "$FILES/link" # of root's it would be followed
mkdir "$FILES/folder"
mkdir -p /dev/shm/t
head -c 1M /dev/urandom >/dev/shm/t/tmpfs
install -m 0 "$FILES/good" "$FILES/unreadable"
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 16M
  files:
    - path: $FILES/good
    - path: $FILES/missing
    - path: $FILES/fifo
    - path: $FILES/device
    - path: $FILES/link
    - path: $FILES/folder
    - path: $FILES/empty
    - path: $FILES/unreadable
    - path: /dev/shm/t/tmpfs
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
# good, unreadable (to all but root, who governs here) and the one on tmpfs
wait_for 60 target_is t-shop.service .pin.locked $((5 * MIB))
assert_eq "$(target t-shop.service .pin.files)" 3
assert_eq "$(target t-shop.service .pin.failed)" 5
problems=$(target t-shop.service '.pin.problems[] | "\(.path) \(.reason)"')
assert_match "$problems" "$FILES/missing does not exist"
assert_match "$problems" "$FILES/fifo is a FIFO"
assert_match "$problems" "$FILES/device is a device"
assert_match "$problems" "$FILES/link is a symbolic link"
assert_match "$problems" "$FILES/folder is a (folder|directory)"

# A file that comes, one that grows, one that is exchanged, one that goes.
head -c 1M /dev/urandom >"$FILES/missing"
head -c 1M /dev/urandom >>"$FILES/good"
wait_for 40 target_is t-shop.service .pin.locked $((7 * MIB))
head -c 4M /dev/urandom >"$FILES/new"
mv "$FILES/new" "$FILES/good"
rm "$FILES/missing"
wait_for 40 target_is t-shop.service .pin.locked $((7 * MIB - MIB + MIB))
wait_for 40 target_is t-shop.service .pin.failed 5
deleted() { ! grep -q 'deleted' "/proc/$(main_pid pagewarden-hold-t-shop.service)/maps"; }
wait_for 40 deleted

# Rewritten in place: truncating it takes even locked pages away, and nobody is told.
head -c 4M /dev/urandom >"$FILES/good"
rewritten() { (($(locked_in pagewarden-hold-t-shop.service) == 7 * MIB)); }
wait_for 60 rewritten
evict "$FILES/good"
assert_eq "$(resident "$FILES/good")" $((4 * MIB)) "a file that was rewritten in place"
rm -r /dev/shm/t
