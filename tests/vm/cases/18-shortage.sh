# SPDX-License-Identifier: MIT
# timeout: 480
# When the host runs out of memory pins go before the kernel kills: as far as that helps, those of background
# services first; and they come back. Where the policy keeps them, the kernel kills.
. /payload/tests/vm/pagewarden.sh

# pinned NAME ROLE SHORTAGE: a policy for the files of that name.
pinned() {
    policy "$1" <<POLICY
version: 1
match: { units: [t-$1.service] }
role: $2
pin:
  budget: 200M
  on_shortage: $3
  files:
    - path: $FILES/$1*
POLICY
}
available() {
    awk '/^MemAvailable:/ { print $2 * 1024 }' /proc/meminfo
}
kills() {
    awk '$1 == "oom_kill" { print $2 }' /proc/vmstat
}
# Takes BYTES and keeps them: most of them at once, as shared memory, and the last ones slowly, by a process
# that is the first to be killed.
hog() {
    rm -f /run/t-hog
    fallocate --length=$(($1 - 240 * MIB)) /dev/shm/t-hog
    run_unit t-hog.service --property=OOMScoreAdjust=1000 -- perl -e '
        my @all;
        for (my $left = 240; $left > 0; $left -= 8) {
            push @all, "x" x (8 << 20);
            select(undef, undef, undef, 0.2);
        }
        open(my $told, ">", "/run/t-hog");
        sleep'
}
# In small pages: an emulated processor clears huge ones for seconds, with the whole guest waiting.
huge_pages=/sys/kernel/mm/transparent_hugepage/enabled
huge_before=$(sed 's/.*\[\(.*\)\].*/\1/' $huge_pages)
echo never >$huge_pages
end_hog() {
    systemctl stop t-hog.service 2>/dev/null || true
    rm -f /dev/shm/t-hog
}
trap 'end_hog; echo $huge_before >$huge_pages' EXIT
hog_is_full() {
    [[ -e /run/t-hog ]] || inactive t-hog.service
}

for file in shop-a:60 shop-{b,c,d,e}:20 batch-a:60 batch-b:40; do
    head -c "${file#*:}M" /dev/zero >"$FILES/${file%:*}"
done
sync -f "$FILES"
evict "$FILES"/*
pinned shop critical release
pinned batch background release
run_unit t-shop.service -- sleep infinity
run_unit t-batch.service -- sleep infinity
start_daemon
wait_for 120 target_is t-shop.service .pin.locked $((140 * MIB))
wait_for 120 target_is t-batch.service .pin.locked $((100 * MIB))
killed=$(kills)

# More than there is: without pins going, the kernel kills. Those of the background are nearly enough.
hog $(($(available) + 40 * MIB))
wait_for 120 hog_is_full
[[ -e /run/t-hog ]] || fail "the hog was killed"
assert_eq "$(kills)" "$killed" "processes killed for memory"
journal_has 'The host runs out of memory \(.*\): .* available' || fail "the shortage is not told"
journal_has 't-batch.service: pins are let go' || fail "not told of batch"
assert_eq "$(target t-batch.service .pin.state)" released
batch=$(locked_in pagewarden-hold-t-batch.service) shop=$(locked_in pagewarden-hold-t-shop.service)
echo "left: $((batch / MIB)) MiB of batch, $((shop / MIB)) MiB of shop, $(($(available) / MIB)) MiB available"
((batch <= 40 * MIB)) || fail "batch has still $batch"
((shop > 0)) || fail "all of the critical service's pins went"
assert_match "$(pagewarden status)" 't-batch.service: released: host memory short: .*; they come back'

# It ends: they come back after the hold-off, and not before.
end_hog
again() { (($(target t-batch.service '.pin.again_in // 0') > 0)); }
wait_for 10 again
assert_match "$(pagewarden status)" 't-batch.service: released: .*; they come back in [0-9]+ s'
wait_for 120 target_is t-batch.service .pin.locked $((100 * MIB))
wait_for 30 target_is t-shop.service .pin.locked $((140 * MIB))
journal_has 'The host has had enough memory for 30 s' || fail "the end is not told"
journal_has 't-batch.service: pins come back' || fail "the return is not told"

# Kept: the same hog is killed.
pinned shop critical keep
pinned batch background keep
systemctl reload pagewarden.service
hog $(($(available) + 40 * MIB))
wait_for 120 hog_is_full
(($(kills) > killed)) || fail "nothing was killed"
[[ ! -e /run/t-hog ]] || fail "the hog fits"
assert_eq "$(locked_in pagewarden-hold-t-shop.service)" $((140 * MIB)) "kept of shop"
assert_eq "$(locked_in pagewarden-hold-t-batch.service)" $((100 * MIB)) "kept of batch"
