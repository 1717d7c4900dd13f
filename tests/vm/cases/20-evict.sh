# SPDX-License-Identifier: MIT
# Files that nobody has open and that have been idle leave memory; open, pinned and fresh ones stay.
. /payload/tests/vm/pagewarden.sh

make_file idle 8
make_file open 4
make_file pinned 4
make_file mapped 4
head -c 4M /dev/urandom >"$FILES/dirty"
policy backup <<POLICY
version: 1
match: { units: [t-backup.service] }
role: background
evict:
  - path: $FILES/*
    idle: 3s
    every: 1s
POLICY
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin: { budget: 8M, files: [ { path: $FILES/pinned } ] }
POLICY
run_unit t-shop.service -- sleep infinity
run_unit t-open.service -- sh -c "exec 3<$FILES/open; cat <&3 >/dev/null; exec sleep infinity"
run_unit t-backup.service -- sleep infinity
start_daemon
wait_for 60 target_is t-shop.service .pin.locked $((4 * MIB))
cat "$FILES"/* >/dev/null
assert_eq "$(resident "$FILES/idle")" $((8 * MIB)) "before"

gone() { [[ $(resident "$FILES/$1") == 0 ]]; }
wait_for 80 gone idle
wait_for 60 gone dirty
assert_eq "$(resident "$FILES/open")" $((4 * MIB)) "open"
assert_eq "$(resident "$FILES/pinned")" $((4 * MIB)) "pinned"
evicted=$(target t-backup.service .evict.bytes)
# idle, dirty and mapped (which nobody maps here): 16 MiB, measured
assert_eq "$evicted" $((16 * MIB)) "evicted bytes"

# Evicting never writes to a file, and loses nothing.
sum=$(sha256sum <"$FILES/dirty")
drop_caches
assert_eq "$(sha256sum <"$FILES/dirty")" "$sum"

# What a service leaves behind is evicted too.
cat "$FILES/idle" >/dev/null
systemctl stop t-backup.service
wait_for 80 gone idle
