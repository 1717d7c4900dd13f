# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# `track` on a service with a known working set, in a slice that has a limit too: it finds it, lets go of a burst,
# keeps off what an admin sets, and what was before comes back after kill -9 in each of its states.
. /payload/tests/vm/pagewarden.sh

make_file hot 100
make_file cold 160
policy work <<POLICY
version: 1
match: { units: [t-work.service] }
memory_high: { mode: track }
POLICY
policy mem <<POLICY
version: 1
match: { units: [t-mem.slice] }
memory_high: { mode: fixed, value: 360M }
POLICY
any_disk
# Reads `hot` again and again, and `cold` once at the beginning and after each burst of anonymous memory, from USR1 to USR2.
# shellcheck disable=SC2016
run_unit t-work.service --slice=t-mem.slice -p MemoryHigh=1G -- perl -e '
    sub pass { open my $f, "<", shift or die; 1 while sysread $f, my $b, 65536 }
    my ($asked, $over, $size, $x) = (0, 0, 300 << 20);
    $SIG{USR1} = sub { $asked = 1 };
    $SIG{USR2} = sub { $over = 1 };
    $| = 1;
    pass "$ARGV[0]/cold";
    for (;;) {
        if ($asked) { $asked = 0; print "burst begins\n"; $x = "x" x $size; print "burst ends\n" }
        if ($over) { $over = 0; undef $x; pass "$ARGV[0]/cold" }
        pass "$ARGV[0]/hot";
        select undef, undef, undef, 0.3;
    }' "$FILES"
full() { (($(memory_stat t-work.service file) > 250 * MIB)); }
wait_for 60 full

file_at_most() { (($(memory_stat t-work.service file) <= $1 * MIB)); }
limited() { (($(memory_high t-work.service) < 300 * MIB)); }
# The law may change it between the two.
systemd_knows() { [[ $(systemctl show --value -p MemoryHigh t-work.service) == "$(memory_high t-work.service)" ]]; }
kill_daemon() {
    systemctl kill --signal=KILL pagewarden.service
    wait_for 60 inactive pagewarden.service
}
bursts_ended() { (($(journalctl -q -o cat --since="@$CASE_BEGAN" -u t-work.service | awk '/^burst ends/' | wc -l) == $1)); }
burst() {
    systemctl kill --signal=USR1 t-work.service
    wait_for 60 bursts_ended "$1"
}
# The journal's stamp of the Nth line of a unit that matches, of those after a stamp: µs since the boot, or "null".
stamp() {
    journalctl -q -o json --since="@$CASE_BEGAN" -u "$1" |
        jq -r --arg text "$2" --argjson n "$3" --argjson after "${4:-0}" -s '
            [.[] | select(.MESSAGE | strings | test($text)).__MONOTONIC_TIMESTAMP | select(tonumber > $after)][$n - 1]'
}
given_back_after() {
    [[ $(stamp pagewarden.service 't-work.service: memory.high is given back' 1 "$1") != null ]]
}

start_daemon
wait_for 60 file_at_most 118
wait_for 10 limited
wait_for 10 high_is t-mem.slice $((360 * MIB))
refaults=$(memory_stat t-work.service workingset_refault_file)
echo "$(memory_stat t-work.service file) bytes of cache, $refaults refaults"
# Less than half of what is hot was lost on the way, and it stays there.
((refaults < 100 * MIB / 4096 / 2)) || fail "$refaults refaults"
# On a busy machine a turn takes seconds, in which it looks idle: what is missed for that comes back.
file_at_least() { (($(memory_stat t-work.service file) >= $1 * MIB)); }
wait_for 20 file_at_least 90
turns=$(journalctl -q -o cat --since="@$CASE_BEGAN" -u pagewarden.service |
    awk '/t-work.service: memory.high is / { v = $4 + 0; d = (v > last) - (v < last); if (last && d * before < 0) n++
        if (last && d) before = d; last = v } END { print n + 0 }')
((turns <= 2)) || fail "$turns turns of the limit"

# What systemd does to itself changes nothing.
systemctl daemon-reload
systemctl daemon-reexec
limited || fail "after daemon-reexec: $(memory_high t-work.service)"
wait_for 20 systemd_knows

# An admin's value is the admin's, kill -9 or not, until the policies are loaded again.
systemctl set-property --runtime t-work.service MemoryHigh=400M
wait_for 10 target_is t-work.service .memory_high.reason changed-by-someone-else
burst 1 # without a limit of ours it takes as long as it takes
systemctl kill --signal=USR2 t-work.service
kill_daemon
assert_eq "$(memory_high t-work.service)" $((400 * MIB)) "the admin's value"
wait_for 60 limited
assert_eq "$(target t-work.service .memory_high.original)" $((400 * MIB))

# A burst that the limit, and what was there before, are too low for: the limit goes, whether the unit stalls, waits, or
# is seen to grow past it; and it is not killed.
burst 2
begins=$(stamp t-work.service '^burst begins' 2)
wait_for 10 given_back_after "$begins"
assert_eq "$(memory_high t-work.service)" $((400 * MIB)) "after a burst"
assert_match "$(target t-work.service .memory_high.changed_for)" '^(stall|growth|pressure)$'
without=$(($(stamp t-work.service '^burst ends' 1) - $(stamp t-work.service '^burst begins' 1)))
with=$(($(stamp t-work.service '^burst ends' 2) - begins))
released=$(($(stamp pagewarden.service 't-work.service: memory.high is given back' 1 "$begins") - begins))
echo "a burst took $with µs, let go after $released µs; $without µs without a limit"
((with <= without * 5 + 1000000)) || fail "the burst was held up"
assert_eq "$(awk '/^oom_kill / { print $2 }' "$(cgroup_of t-work.service)/memory.events")" 0

# Killed while it holds off, or the unit needs more, there is nothing to give back.
kill_daemon
wait_for 60 target_is t-work.service .state active
assert_eq "$(memory_high t-work.service)" $((400 * MIB)) "killed without a limit"
systemctl stop pagewarden.service
assert_eq "$(memory_high t-work.service)" $((400 * MIB)) "after stop"
assert_eq "$(memory_high t-mem.slice)" max "the slice, after stop"
