# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# What happens to pinned files is followed as it happens, and is not found by the next look of every ten seconds.
. /payload/tests/vm/pagewarden.sh

mkdir "$FILES/in"
mkdir -p /mnt/t
mount -t tmpfs -o size=48M tmpfs /mnt/t
trap 'umount -l /mnt/t' EXIT
make_file in/grows 1
make_file in/exchanged 2
make_file in/rewritten 4
head -c 32M /dev/urandom >/mnt/t/deleted
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 80M
  files:
    - path: $FILES/{in,out}/*
    - path: /mnt/t/*
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
holder=pagewarden-hold-t-shop.service
wait_for 60 target_is t-shop.service .pin.locked $((39 * MIB))
followed() { target t-shop.service .pin.follow.changes; }
locked_is() { (($(locked_in $holder) == $1 * MIB)); }

# Only what a notification led to counts as a change that was followed.
head -c 1M /dev/urandom >>"$FILES/in/grows"
wait_for 9 locked_is 40
head -c 3M /dev/urandom >"$FILES/new"
mv "$FILES/new" "$FILES/in/exchanged"
wait_for 9 locked_is 41
head -c 1M /dev/urandom >"$FILES/in/new"
wait_for 9 locked_is 42

# Truncated and written anew: as long as before, and nothing of it was locked for a moment.
: >"$FILES/in/rewritten"
head -c 4M /dev/urandom >"$FILES/in/rewritten"
wait_for 9 locked_is 42
evict "$FILES/in/rewritten"
assert_eq "$(resident "$FILES/in/rewritten")" $((4 * MIB)) "a file that was rewritten in place"

# A deleted file gives its space back.
used() { df --output=used -B1 /mnt/t | tail -n 1; }
before=$(used)
rm /mnt/t/deleted
given_back() { (($(used) <= before - 30 * MIB)); }
wait_for 9 given_back
wait_for 9 locked_is 10

# A folder that leaves the glob, and comes back under another name that is in it.
mv "$FILES/in" "$FILES/away"
wait_for 9 locked_is 0
mv "$FILES/away" "$FILES/out"
wait_for 9 locked_is 10

# How long all that waited is told.
(($(followed) >= 7)) || fail "changes: $(followed)"
max=$(target t-shop.service .pin.follow.max_usec)
((max > 0)) || fail "the longest wait: $max us"
assert_match "$(pagewarden status)" 't-shop.service: [0-9]+ changes of files followed, the last after [0-9.]+ s, at most [0-9.]+ s'
assert_eq "$(target t-shop.service .pin.follow.overflows)" 0
assert_eq "$(target t-shop.service .pin.follow.unwatched)" 0
echo "waited at most $max us"
