# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# With swap memory.high comes down to the policy's value, too. Anonymous memory stays, where the kernel lets itself be
# told so; where it does not, `track` takes nothing.
. /payload/tests/vm/pagewarden.sh

fallocate -l 128M "$FILES/swap"
chmod 600 "$FILES/swap"
mkswap -q "$FILES/swap"
swapon "$FILES/swap"
trap 'swapoff "$FILES/swap"' EXIT
policy fixed <<POLICY
version: 1
match: { units: [t-fixed.service] }
memory_high: { mode: fixed, value: 96M }
POLICY
policy track <<POLICY
version: 1
match: { units: [t-track.service] }
memory_high: { mode: track }
POLICY
any_disk
# 40 MiB of anonymous memory, in a dd that waits for its pipe; and page cache that it needs no more.
for name in fixed track; do
    truncate -s 200M "$FILES/$name"
    # shellcheck disable=SC2016
    run_unit "t-$name.service" -- sh -c 'dd if=/dev/zero bs=40M status=none | sleep infinity & cat "$0" >/dev/null; wait' \
        "$FILES/$name"
done
full() { (($(memory_stat "t-$1.service" anon) > 35 * MIB && $(memory_stat "t-$1.service" file) >= 200 * MIB)); }
wait_for 60 full fixed
wait_for 60 full track
swapped() { cat "$(cgroup_of "t-$1.service")/memory.swap.current"; }

start_daemon
wait_for 60 high_is t-fixed.service $((96 * MIB))
if reclaim_spares_anon; then
    assert_eq "$(swapped fixed)" 0 "swapped"
    wait_for 60 target_at_least t-track.service .memory_high.reclaimed $((16 * MIB))
else
    wait_for 60 journal_has 't-track.service: memory.high does not follow what is needed: this kernel.s memory.reclaim '
    (($(memory_stat t-track.service file) >= 200 * MIB)) || fail "page cache was taken"
    assert_eq "$(memory_high t-track.service)" max
fi
assert_eq "$(swapped track)" 0 "swapped"
