#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden record` on made-up cgroup files, and `pagewarden simulate` on what it wrote.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"

PRESSURE='some avg10=0.00 avg60=0.00 avg300=0.00 total=0
full avg10=0.00 avg60=0.00 avg300=0.00 total=0'

# tree: a cgroup tree with one unit of 400 MiB, 300 of them inactive cache.
tree() {
    local unit=t/system.slice/shop.service key
    mkdir -p "$unit"
    echo "cpu memory io" >t/cgroup.controllers
    : >t/cgroup.procs
    : >t/system.slice/cgroup.procs
    : >"$unit/cgroup.procs"
    {
        echo "anon $((64 << 20))"
        echo "file $((336 << 20))"
        echo "active_file $((36 << 20))"
        echo "inactive_file $((300 << 20))"
        for key in unevictable file_mapped file_dirty file_writeback shmem slab_unreclaimable; do
            echo "$key 0"
        done
        echo "pgsteal 7"
    } | tee "$unit/memory.stat" >t/memory.stat
    cp "$unit/memory.stat" t/system.slice/memory.stat
    echo $((400 << 20)) | tee "$unit/memory.current" >t/system.slice/memory.current
    echo max >"$unit/memory.high"
    echo "$PRESSURE" >"$unit/memory.pressure"
}

policy() {
    { printf 'version: 1\nmatch: {units: [shop.service]}\n'; cat; } >p.yaml
}

test_records_a_unit() {
    tree
    run "$PAGEWARDEN" record --cgroups=t --interval=20ms --for=1s shop.service
    expect_code 0
    expect_err ""
    [ "$(head -n 1 "$TEST_DIR/.out")" = "# pagewarden trace 1" ] || fail "no head"
    # A head of two lines. A busy machine lets it wait now and then.
    (($(wc -l <"$TEST_DIR/.out") >= 5 && $(wc -l <"$TEST_DIR/.out") <= 54)) || fail "not a sample every 20 ms"
    awk 'NR == 2 { for (i = 1; i <= NF; i++) column[$i] = i }
        NR > 2 && ($column["current"] != 419430400 || $column["high"] != "max" || $column["pgsteal"] != 7 ||
            $column["memory_some_usec"] != 0 || $column["io_some_usec"] != "-" ||
            $column["at_usec"] <= last) { exit 1 }
        NR > 2 { last = $column["at_usec"] }' "$TEST_DIR/.out" || fail "not what the files say"
    awk -v total=$(($(awk '/^MemTotal:/ { print $2 }' /proc/meminfo) * 1024)) \
        'NR == 2 { for (i = 1; i <= NF; i++) column[$i] = i }
        NR > 2 && ($column["host_total"] != total || !($column["host_available"] > 0) ||
            $column["host_available"] >= total || $column["host_swap_free"] !~ /^[0-9]+$/) { exit 1 }' \
        "$TEST_DIR/.out" || fail "not what the host has"
}

has_lines() { # FILE N
    (($(wc -l <"$1") >= $2))
}

test_records_a_path_and_ends_with_a_signal() {
    tree
    "$PAGEWARDEN" record --cgroups=t --interval=10ms /system.slice >out 2>err &
    local pid=$!
    until_is has_lines out 4
    kill -INT $pid 2>/dev/null || fail "ended by itself"
    wait $pid || fail "a signal is no failure"
    [ ! -s err ] || fail "$(cat err)"
    [ "$(tail -n 1 out | wc -w)" = "$(sed -n 2p out | wc -w)" ] || fail "the last line is cut"
}

test_what_cannot_be_recorded() {
    tree
    run "$PAGEWARDEN" record --cgroups=t gone.service
    expect_code 1
    expect_err "pagewarden: gone.service: no such unit is running"
    run "$PAGEWARDEN" record --cgroups=t/system.slice shop.service
    expect_code 1
    expect_err "pagewarden: record: no cgroup v2 tree with the memory controller"
    run "$PAGEWARDEN" record
    expect_code 2
    expect_err "pagewarden: record: which unit?"
    run "$PAGEWARDEN" record --interval=1ms shop.service
    expect_code 2
    expect_err "pagewarden: record: --interval takes a duration of 10ms or more: 500ms, 10m"
    run "$PAGEWARDEN" record --for=soon shop.service
    expect_code 2
    expect_err "pagewarden: record: --for takes a duration of 1ms or more: 500ms, 10m"
}

test_simulates_a_record() {
    tree
    policy <<<'memory_high: {mode: fixed, value: 256M}'
    "$PAGEWARDEN" record --cgroups=t --interval=10ms --for=500ms shop.service >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_code 0
    expect_err ""
    expect_json '.decisions | length >= 2 and all(.want == 268435456 and .reason == "fixed" and .current == 419430400)'
    # shellcheck disable=SC2016
    run bash -c '"$0" simulate --policy=p.yaml --trace=- <trace' "$PAGEWARDEN"
    expect_code 0
    expect_out_has "TIME"
    expect_out_has "256M"
}

# trace: ten seconds of a unit that needs nothing of its cache.
trace() {
    local i
    echo "# pagewarden trace 1"
    echo "at_usec page current anon file active_file inactive_file unevictable shmem slab_unreclaimable" \
        "pgscan pgsteal refault_file memory_some_usec memory_full_usec of_later"
    for ((i = 0; i < 10; i++)); do
        echo "$((5000000 + i * 1000000)) 4096 419430400 67108864 352321536 37748736 314572800 0 0 0" \
            "$((i * 1000)) $((i * 1000)) 0 ${1:-0} 0 x"
    done
}

test_the_law_of_track() {
    policy <<<'memory_high: {mode: track}'
    trace >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_code 0
    expect_json '.decisions | .[0].reason == "learn" and .[0].at_usec == 0 and .[1].reason == "probe" and
        .[1].reclaim == 2097152 and .[3].want != null'
    trace | awk '/^[0-9]/ { $1 -= 5000000 } 1' >trace # whoever made it begins at 0
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_json '[.decisions[:3][].at_usec] == [0, 1000000, 2000000]'
    trace - >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_json '.decisions[1:] | all(.reason == "no-psi" and .want == null and .reclaim == 0)'
}

# of_host COLUMN VALUE…: the trace, with such columns.
of_host() {
    local names='' values=''
    for (( ; $# > 0; )); do
        names+=" $1" values+=" $2"
        shift 2
    done
    trace | awk -v names="$names" -v values="$values" 'NR == 2 { $0 = $0 names } NR > 2 { $0 = $0 values } 1'
}

test_what_the_host_has() {
    policy <<<'memory_high: {mode: track}'
    of_host host_total 1000000000 host_available 99000000 >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_code 0
    expect_json '.decisions[1:] | all(.reason == "memory-short" or .reason == "hold") and all(.reclaim == 0)'
    of_host host_total 1000000000 host_available 101000000 >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_json '.decisions[1].reason == "probe"'
    of_host host_total - host_available 5 host_swap_free - >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_json '.decisions[1].reason == "probe"'
    # A brake would swap.
    policy <<<'cache: {max: 512M, brake: true}'
    of_host swap_max max host_swap_free 0 >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_json '.decisions | all(.reason == "brake")'
    of_host swap_max max host_swap_free 1000000 >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_json '.decisions | all(.reason == "swap" and .want == null)'
}

test_a_brake_beside_a_cap() {
    policy <<<'cache: {max: 512M, brake: true}'
    trace >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_code 0
    # What is no page cache, the cap, and an eighth of that with a quarter more.
    expect_json '.decisions | all(.reason == "brake" and .want == (64 + 512 + 80) * 1048576 and .reclaim == 0)'
    policy <<<'cache: {max: 64M, brake: true}'
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_json '.decisions | all(.reason == "hold" and .want == null and .cache.reason == "over")'
}

# 40 pages a second come back, and each takes 10 ms.
test_a_slow_disk() {
    policy <<<'memory_high: {mode: track}'
    trace | awk 'NR == 2 { $0 = $0 " io_some_usec" } NR > 2 { n = NR - 3; $13 = n * 40; $14 = n * 400000; $0 = $0 " " $14 } 1' >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_json '.decisions | .[-1].reason == "slow-disk" and .[-1].want == null and .[-1].reclaim == 0'
}

test_the_law_of_yield_and_distress() {
    policy <<<'role: background
memory_high: {mode: yield, min: 64M}'
    trace >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_json '.decisions | all(.reason == "calm" and .distress == null)'
    run "$PAGEWARDEN" simulate --distress --policy p.yaml --trace trace --json=short
    expect_json '.decisions | .[0].reason == "freeze" and .[1].reason == "distress" and .[1].want < .[0].want'
    policy <<<'role: critical'
    trace | awk 'NR > 8 { $13 = 400 } 1' >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_json '.decisions | .[0].distress == "calm" and .[9].distress == "refaults"'
}

test_the_law_of_the_cap() {
    policy <<<'cache: {max: 100M}'
    trace >trace
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace --json=short
    expect_json '.decisions | all(.reason == "off" and .reclaim == 0 and
        .cache == {"reclaim": 257949696, "reason": "over"})'
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace
    expect_out_has "246M off    over"
}

test_bad_traces_and_policies() {
    policy <<<'memory_high: {mode: track}'
    refused() { # TEXT MESSAGE
        printf '%b' "$1" >bad
        run "$PAGEWARDEN" simulate --policy p.yaml --trace bad
        expect_code 1
        expect_err "pagewarden: $2"
    }
    refused '' 'bad:0: not a trace (it would begin with "# pagewarden trace 1")'
    refused 'hello\n' 'bad:1: not a trace (it would begin with "# pagewarden trace 1")'
    refused '# pagewarden trace 1\n' 'bad:1: no names of columns'
    refused '# pagewarden trace 1\nat_usec page\n' \
        'bad:2: a column that the laws need is missing (see pagewarden(1))'
    trace | sed '5s/ 4096 / 4k /' >bad
    run "$PAGEWARDEN" simulate --policy p.yaml --trace bad
    expect_code 1
    expect_err "pagewarden: bad:5: not a number"
    trace | sed '4s/ x$//' >bad
    run "$PAGEWARDEN" simulate --policy p.yaml --trace bad
    expect_err "pagewarden: bad:4: fewer numbers than columns"
    trace | sed '4s/$/ 7/' >bad
    run "$PAGEWARDEN" simulate --policy p.yaml --trace bad
    expect_err "pagewarden: bad:4: more numbers than columns"
    trace | sed '6s/^[0-9]*/5/' >bad
    run "$PAGEWARDEN" simulate --policy p.yaml --trace bad
    expect_err "pagewarden: bad:6: earlier than the sample before"
    run "$PAGEWARDEN" simulate --policy p.yaml --trace gone
    expect_code 1
    expect_err "pagewarden: gone: No such file or directory"
    trace >trace
    policy <<<'memory_hihg: {mode: track}'
    run "$PAGEWARDEN" simulate --policy p.yaml --trace trace
    expect_code 1
    expect_err_has 'did you mean "memory_high"'
    run "$PAGEWARDEN" simulate --policy p.yaml
    expect_code 2
    expect_err "pagewarden: simulate takes --policy FILE and --trace FILE"
}

tests records_a_unit records_a_path_and_ends_with_a_signal what_cannot_be_recorded simulates_a_record \
    the_law_of_track what_the_host_has a_brake_beside_a_cap a_slow_disk the_law_of_yield_and_distress the_law_of_the_cap bad_traces_and_policies
