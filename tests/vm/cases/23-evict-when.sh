# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# `when`: files stay while there is room, and go as soon as a critical service suffers, or memory is short.
. /payload/tests/vm/pagewarden.sh

make_file spare 8
make_file room 4
policy job <<POLICY
version: 1
match: { units: [t-job.service] }
evict:
  - { path: $FILES/spare, idle: 2s, every: 1s, when: [distress] }
  - { path: $FILES/room, idle: 2s, every: 1s, when: [pressure] }
POLICY
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
role: critical
distress: { refaults: 50/s }
POLICY
run_unit t-job.service -- sleep infinity
make_file hot 48
# shellcheck disable=SC2016
run_unit t-shop.service -- sh -c 'while :; do if [ -e "$0/go" ]; then cat "$0/hot" >/dev/null; else sleep 0.2; fi; done' "$FILES"
start_daemon
cat "$FILES/spare" "$FILES/room" >/dev/null
sleep 6
assert_eq "$(resident "$FILES/spare")" $((8 * MIB)) "without a call"
assert_eq "$(resident "$FILES/room")" $((4 * MIB)) "while there is room"
assert_eq "$(target t-job.service .evict.bytes)" 0 "evicted without a call"

# It reads more than it may have, over and over.
systemctl set-property --runtime t-shop.service MemoryHigh=32M
touch "$FILES/go"
# To ask for a file's residency opens it, and makes it one that is in use: so it is waited for what is told.
wait_for 80 target_at_least t-job.service .evict.bytes $((8 * MIB))
assert_eq "$(resident "$FILES/spare")" 0 "in distress"
# Memory that cannot be reclaimed, above memory.high: whoever asks for it waits.
run_unit t-hog.service --property=MemoryHigh=8M --property=MemorySwapMax=0 -- \
    sh -c 'dd if=/dev/zero bs=64M status=none | sleep infinity'
wait_for 80 target_is t-job.service .evict.bytes $((12 * MIB))
assert_eq "$(resident "$FILES/room")" 0 "under pressure"
