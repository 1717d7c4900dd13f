# SPDX-License-Identifier: MIT
# Each way of locking, a range in the middle of a file, and changing the way at a reload.
. /payload/tests/vm/pagewarden.sh

make_file now 2
make_file part 8
make_file hot 8
make_file warm 4
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 32M
  files:
    - { path: $FILES/now, lock: populate }
    - { path: $FILES/part, range: 1M-3M }
    - { path: $FILES/hot, lock: on-fault }
    - { path: $FILES/warm, lock: none }
POLICY
holder=pagewarden-hold-t-shop.service

# vmtouch reads page by page; what it brought in is what counts.
vmtouch -q -t -p 1M-2M "$FILES/hot" >/dev/null
came=$(resident "$FILES/hot")
((came >= MIB && came < 3 * MIB)) || fail "in memory of hot: $came"

run_unit t-shop.service -- sleep infinity
start_daemon
wait_for 60 target_is t-shop.service .pin.locked $((4 * MIB + came))
wait_for 30 target_is t-shop.service .pin.warmed $((4 * MIB))
assert_eq "$(locked_in $holder)" $((4 * MIB + came)) "smaps"
assert_eq "$(resident "$FILES/hot")" "$came" "on-fault reads nothing"
evict "$FILES"/*
assert_eq "$(resident "$FILES/now")" $((2 * MIB))
assert_eq "$(resident "$FILES/part")" $((2 * MIB)) "the part alone is read and locked"
assert_eq "$(resident "$FILES/hot")" "$came"
assert_eq "$(resident "$FILES/warm")" 0 "what is only warmed is not locked"

# What comes in is locked, too; what was warmed once is not read again.
vmtouch -q -t -p 6M-7M "$FILES/hot" >/dev/null
more=$(resident "$FILES/hot")
((more >= came + MIB)) || fail "in memory of hot: $more"
wait_for 40 target_is t-shop.service .pin.locked $((4 * MIB + more))
evict "$FILES/hot"
assert_eq "$(resident "$FILES/hot")" "$more"
assert_eq "$(resident "$FILES/warm")" 0 "warmed again"
# But another version is.
echo >>"$FILES/warm"
warm_again() { (($(resident "$FILES/warm") > 4 * MIB)); }
wait_for 40 warm_again

# A reload that changes all ways.
cat >/etc/pagewarden/policies.d/shop.yaml <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 32M
  files:
    - { path: $FILES/now, lock: none }
    - { path: $FILES/part, range: 2M- }
    - { path: $FILES/hot }
    - { path: $FILES/warm, lock: on-fault }
POLICY
systemctl reload pagewarden.service
wait_for 60 target_is t-shop.service .pin.locked $(((6 + 8 + 4) * MIB + 4096))
wait_for 30 target_is t-shop.service .pin.warmed $((2 * MIB))
evict "$FILES"/*
assert_eq "$(resident "$FILES/now")" 0
assert_eq "$(resident "$FILES/part")" $((6 * MIB))
assert_eq "$(resident "$FILES/hot")" $((8 * MIB))
assert_eq "$(resident "$FILES/warm")" $((4 * MIB + 4096))

# Truncating what is held is no SIGBUS, and what is there again is held again.
pid=$(main_pid $holder)
truncate -s 1M "$FILES/hot" "$FILES/warm" "$FILES/part"
wait_for 40 target_is t-shop.service .pin.locked $((2 * MIB))
assert_eq "$(main_pid $holder)" "$pid" "the holder survives truncation"
