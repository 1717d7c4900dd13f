# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 600
# cache.max: a service's page cache stays under its cap, at the cost of nobody's memory but idle file pages of
# its own; a cap below what is needed is given up. And a brake beside it, for what comes in between two looks.
. /payload/tests/vm/pagewarden.sh

# sparse NAME MIB: a file whose pages come in at once.
sparse() {
    truncate -s "$2M" "$FILES/$1"
}

cache_of() {
    echo $(($(memory_stat "$1" active_file) + $(memory_stat "$1" inactive_file)))
}

sparse once 400
sparse quick 400
sparse neighbours 48
sparse hot 96
sparse spare-a 16
sparse spare-b 16
sparse used 18
sparse own 31
sparse lent 16
fallocate -l 128M "$FILES/swap"
chmod 600 "$FILES/swap"
mkswap -q "$FILES/swap"
swapon "$FILES/swap"
trap 'swapoff "$FILES/swap" 2>/dev/null || true' EXIT

policy reader <<POLICY
version: 1
match: { units: [t-reader.service] }
cache: { max: 64M }
POLICY
policy hot <<POLICY
version: 1
match: { units: [t-hot.service] }
cache: { max: 32M }
POLICY
policy braked <<POLICY
version: 1
match: { units: [t-braked.service] }
cache: { max: 64M, brake: true }
POLICY
policy spare <<POLICY
version: 1
match: { units: [t-spare.service] }
cache: { max: 48M }
evict: [ { path: "$FILES/spare-*", idle: 1s, every: 1s, when: [distress] } ]
POLICY
policy borrower <<POLICY
version: 1
match: { units: [t-borrower.service] }
cache: { max: 32M }
evict: [ { path: "$FILES/lent", idle: 1s, every: 1s, when: [distress] } ]
POLICY
# 40 MiB of anonymous memory, in a dd that waits for its pipe; and 400 MiB of a file, 8 MiB at a time, whenever it is
# asked for.
# shellcheck disable=SC2016
run_unit t-reader.service -- bash -c '
    dd if=/dev/zero bs=40M status=none | sleep infinity &
    while :; do
        until [[ -e $0/go ]]; do sleep 0.2; done
        rm "$0/go"
        for ((i = 0; i < 50; i++)); do
            dd if="$0/once" of=/dev/null bs=8M skip=$i count=1 status=none
            sleep 0.1
        done
        touch "$0/done"
    done' "$FILES"
# shellcheck disable=SC2016
run_unit t-other.service -- sh -c 'cat "$0/neighbours" >/dev/null; exec sleep infinity' "$FILES"
grown() { (($(memory_stat t-reader.service anon) > 35 * MIB)) && (($(cache_of t-other.service) >= 48 * MIB)); }
wait_for 60 grown
anon=$(memory_stat t-reader.service anon)
other=$(cache_of t-other.service)
start_daemon
capped() { target_is t-reader.service .cache.reason under; }
wait_for 30 capped

# Where memory.reclaim would take anonymous memory too, nothing is taken while there is swap.
if ! reclaim_spares_anon; then
    touch "$FILES/go"
    wait_for 60 target_is t-reader.service .cache.reason swap
    wait_for 60 test -e "$FILES/done"
    rm "$FILES/done"
    journal_has 't-reader.service: its page cache is not capped: this kernel.s memory.reclaim cannot leave ' || fail "not told"
    (($(cache_of t-reader.service) > 150 * MIB)) || fail "something took its cache"
    assert_eq "$(target t-reader.service .cache.reclaimed)" 0 "taken, with swap"
    assert_eq "$(cat "$(cgroup_of t-reader.service)/memory.swap.current")" 0 "swapped"
    evict "$FILES/once" # what is reclaimed would count as come back, when it is read again
    swapoff "$FILES/swap"
    wait_for 60 capped
fi

# One that may not swap: 40 MiB of anonymous memory, then 400 MiB of a file at once, then 200 MiB more.
# shellcheck disable=SC2016
run_unit t-braked.service -p MemorySwapMax=0 -- bash -c '
    hold() { dd if=/dev/zero bs="$1" status=none | sleep infinity & }
    hold 40M
    until [[ -e $0/quickly ]]; do sleep 0.2; done
    cat "$0/quick" >/dev/null
    touch "$0/was-quick"
    until [[ -e $0/burst ]]; do sleep 0.2; done
    hold 200M
    exec sleep infinity' "$FILES"

# Looks are some seconds apart where the processor is emulated, and what they first see together is as cold.
# shellcheck disable=SC2016
run_unit t-spare.service -- sh -c '
    cat "$0/spare-b" >/dev/null
    sleep 25
    cat "$0/spare-a" >/dev/null
    sleep 3
    cat "$0/used" >/dev/null
    exec sleep infinity' "$FILES"

most=0 sum=0 n=0
touch "$FILES/go"
until [[ -e $FILES/done ]]; do
    now=$(cache_of t-reader.service)
    ((now <= most)) || most=$now
    sum=$((sum + now)) n=$((n + 1))
    sleep 0.2
done
echo "at most $((most / MIB)) MiB, $((sum / n / MIB)) on average; $(target t-reader.service .cache)"
# A guest that stands still for a moment lets both go on late.
((most > 48 * MIB && most <= 112 * MIB)) || fail "its cache had $most bytes"
((sum / n <= 68 * MIB)) || fail "its cache had $((sum / n)) bytes on average"
target_at_least t-reader.service .cache.reclaimed $((300 * MIB)) || fail "too little reclaimed"
below() { (($(cache_of t-reader.service) <= 64 * MIB)); }
wait_for 5 below
assert_eq "$(target t-reader.service .cache.again_in)" null "it was not given up"
(($(memory_stat t-reader.service anon) >= anon - MIB)) || fail "anonymous memory was taken"
assert_eq "$(cat "$(cgroup_of t-reader.service)/memory.swap.current")" 0 "swapped"
assert_eq "$(memory_high t-reader.service)" max
assert_eq "$(cache_of t-other.service)" "$other" "the neighbour's cache"

# The coldest of its idle files went first, and that was enough.
# To ask for a file's residency opens it, and makes it one that is in use.
wait_for 120 target_at_least t-spare.service .evict.bytes 1
wait_for 5 target_is t-spare.service .evict.bytes $((16 * MIB))
assert_eq "$(resident "$FILES/spare-b")" 0 "the coldest"
assert_eq "$(resident "$FILES/spare-a")" $((16 * MIB)) "not as cold"
assert_eq "$(target t-spare.service .cache.reclaimed)" 0 "reclaimed beside that"
assert_eq "$(resident "$FILES/used")" $((18 * MIB)) "what it needs"

# Files that others have read first: once is enough to see that nothing is gained by evicting them.
# shellcheck disable=SC2016
run_unit t-lender.service -- sh -c 'cat "$0/lent" >/dev/null; exec sleep infinity' "$FILES"
lent() { [[ $(resident "$FILES/lent") == $((16 * MIB)) ]]; }
wait_for 30 lent
# shellcheck disable=SC2016
run_unit t-borrower.service -- sh -c 'cat "$0/own" >/dev/null; exec sleep infinity' "$FILES"
in_vain() { journal_has 't-borrower.service: 16M of its idle files were evicted, and its page cache did not get '; }
wait_for 60 in_vain
cat "$FILES/lent" >/dev/null
wait_for 10 target_is t-borrower.service .cache.reason under
lent_at=$SECONDS

# What it reads between two looks stops at the brake: an eighth above the cap, 16 MiB at least, and at most half as much.
braked=$(cgroup_of t-braked.service)
settled() {
    target_is t-braked.service .memory_high.reason brake &&
        (($(target t-braked.service '.memory_high.applied // 1000000000000') <= (40 + 64 + 24 + 16) * MIB))
}
wait_for 60 settled
touch "$FILES/quickly"
wait_for 60 test -e "$FILES/was-quick"
peak=$(cat "$braked/memory.peak")
echo "at most $((peak / MIB)) MiB with the brake; $(target t-braked.service .memory_high) $(grep high "$braked/memory.events")"
((peak <= (40 + 64 + 24 + 16 + 8) * MIB)) || fail "it had $((peak / MIB)) MiB"
(($(sed -n 's/^high //p' "$braked/memory.events") > 0)) || fail "it did not meet the brake"
(($(memory_stat t-braked.service anon) >= 40 * MIB)) || fail "anonymous memory was taken"
# And what is no page cache does not.
touch "$FILES/burst"
burst() { (($(memory_stat t-braked.service anon) >= 240 * MIB)); }
wait_for 30 burst
echo "after a burst: $(target t-braked.service .memory_high)"

((SECONDS - lent_at >= 15)) || sleep $((15 - (SECONDS - lent_at)))
assert_eq "$(resident "$FILES/lent")" $((16 * MIB)) "evicted again"
assert_eq "$(target t-borrower.service .evict.bytes)" $((16 * MIB)) "evicted once"

# More than the cap, over and over.
# shellcheck disable=SC2016
run_unit t-hot.service -- sh -c 'while :; do cat "$0/hot" >/dev/null; sleep 0.1; done' "$FILES"
given_up() { target_is t-hot.service .cache.reason costs-more; }
wait_for 30 given_up
whole() { (($(cache_of t-hot.service) >= 90 * MIB)); }
wait_for 10 whole
target_at_least t-hot.service .cache.again_in 1 || fail "again when?"
assert_match "$(pagewarden status)" 't-hot.service: page cache: .*, capped at 32M: costs-more: given up for [0-9]+ s: '
journal_has 't-hot.service: its page cache is not capped at 32M for the next 30 s: ' || fail "nothing in the journal"
assert_eq "$(memory_high t-hot.service)" max

# Without the policy there is no cap, and no brake.
rm /etc/pagewarden/policies.d/{reader,braked}.yaml
pagewarden reload
wait_for 10 high_is t-braked.service max
[[ ! -e /run/systemd/system.control/t-braked.service.d ]] || fail "its drop-in was left"
rm "$FILES/done"
touch "$FILES/go"
free() { (($(cache_of t-reader.service) > 150 * MIB)); }
wait_for 30 free
