# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# `when`: files stay while there is room, and go as soon as a critical service suffers.
. /payload/tests/vm/pagewarden.sh

make_file spare 8
policy job <<POLICY
version: 1
match: { units: [t-job.service] }
evict: [ { path: $FILES/spare, idle: 2s, every: 1s, when: [distress] } ]
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
cat "$FILES/spare" >/dev/null
sleep 6
assert_eq "$(resident "$FILES/spare")" $((8 * MIB)) "without a call"
assert_eq "$(target t-job.service .evict.bytes)" 0 "evicted without a call"

# It reads more than it may have, over and over.
systemctl set-property --runtime t-shop.service MemoryHigh=32M
touch "$FILES/go"
gone() { [[ $(resident "$1") == 0 ]]; }
wait_for 80 gone "$FILES/spare"
assert_eq "$(target t-job.service .evict.bytes)" $((8 * MIB)) "evicted when called"
