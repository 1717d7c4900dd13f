#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden warm` on real files. What nothing holds may leave the page cache at any time: what must
# be there is looked at right after it was read, a few times if need be.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"

PAGE=$(getconf PAGESIZE)

# make FILE PAGES: on the disk and not in memory.
make() {
    head -c $(($2 * PAGE)) /dev/urandom >"$1"
    sync "$1"
    in_some_try throw_out "$1"
}

# Now and then the kernel has a page in its hands.
throw_out() {
    vmtouch -q -e "$1"
    vmtouch "$1" | grep -q 'Resident Pages: 0/'
}

# until_warm COMMAND…: runs it until it says that all of it is there. Others may evict meanwhile.
until_warm() {
    local i
    for ((i = 0; i < 20; i++)); do
        run "$@"
        [ "$code" = 0 ] && return
    done
    fail "never in memory: $*"
}

test_cold_files() {
    mkdir d d/sub
    make d/a 700
    make d/sub/b 3
    until_warm "$PAGEWARDEN" warm --json=short d
    expect_err ""
    expect_json "[.files[].path] | sort == [\"d/a\", \"d/sub/b\"]"
    expect_json ".total | .files == 2 and .size == $((703 * PAGE)) and .resident == .size and
        .missing == 0 and .read <= .size and .unknown == 0"
    [ "$(wc -l <"$TEST_DIR/.out")" = 1 ] || fail "--json=short is not one line"
}

all_is_read() {
    make a 100
    run "$PAGEWARDEN" warm --json=short a
    holds ".total.read == $((100 * PAGE))"
}

test_reads_what_is_missing() {
    in_some_try all_is_read
}

test_a_named_file_twice_counts_once() {
    make a 8
    ln a b
    until_warm "$PAGEWARDEN" warm --json=short a a b
    expect_json ".total | .files == 1 and .size == $((8 * PAGE)) and .read <= .size"
}

test_dry_run_reads_nothing() {
    make a 256
    run "$PAGEWARDEN" warm -n a
    expect_code 0
    expect_out "Would read 1M: 1 file, 0 of 1M in memory now"
    run "$PAGEWARDEN" warm --dry-run --json=short a
    expect_code 0
    expect_json ".total | .read == null and .missing == $((256 * PAGE)) and .resident == 0"
}

test_for_people() {
    make a 256
    until_warm "$PAGEWARDEN" warm a
    expect_out_has ": 1 file, 1M of 1M in memory"
    until_warm "$PAGEWARDEN" warm -b a
    expect_out_has ": 1 file, $((256 * PAGE)) of $((256 * PAGE)) in memory"
    LC_ALL=C run "$PAGEWARDEN" warm --help
    expect_out_has "--files0-from"
}

test_list_of_files() {
    make a 2
    make $'b\nc' 3
    printf 'a\0b\nc\0' >list
    run "$PAGEWARDEN" warm -n --json=short --files0-from=list
    expect_code 0
    expect_json '[.files[].path] == ["a", "b\nc"]'
    printf 'a\0' | "$PAGEWARDEN" warm -n --json=short --files0-from=- $'b\nc' >"$TEST_DIR/.out"
    expect_json '[.files[].path] == ["a", "b\nc"]'
    : >empty
    run "$PAGEWARDEN" warm --json=short --files0-from=empty
    expect_code 0
    expect_json '.files == [] and .total.files == 0'
    run "$PAGEWARDEN" warm --files0-from=missing
    expect_code 1
    expect_err "pagewarden: missing: No such file or directory"
}

test_what_is_no_file() {
    make good 1
    mkfifo fifo
    run timeout 10 "$PAGEWARDEN" warm missing fifo good $'gone\e[2J'
    expect_code 1
    expect_err_has "pagewarden: missing: No such file or directory"
    expect_err_has "pagewarden: fifo: is a FIFO"
    expect_err_has 'pagewarden: gone\x1b[2J: No such file or directory'
    [ "$(grep -c missing "$TEST_DIR/.err")" = 1 ] || fail "it is told twice"
    expect_out_has "1 file"
}

# What is not in memory afterwards is told. Holes of a file in memory never are there.
test_what_does_not_stay() {
    [ "$(stat -f -c %T /dev/shm)" = tmpfs ] || { TEST_SKIP="no tmpfs"; return; }
    local file
    file=$(mktemp /dev/shm/pagewarden-test.XXXXXX)
    truncate -s $((256 * PAGE)) "$file"
    run "$PAGEWARDEN" warm "$file"
    rm -f "$file"
    expect_code 1
    expect_err "pagewarden: 1M of it did not stay in memory"
}

test_rate() {
    local before
    make a 1280
    before=$(date +%s%N)
    run "$PAGEWARDEN" warm --rate=10M/s a
    (($(date +%s%N) - before >= 450000000)) || fail "5 MiB at 10 MiB/s in less than half a second"
    for rate in 10M 0M/s fast; do
        run "$PAGEWARDEN" warm --rate=$rate a
        expect_code 2
        expect_err "pagewarden: warm: --rate takes bytes per second: 16M/s"
    done
}

test_interrupted() {
    make a 1280
    "$PAGEWARDEN" warm --rate=1M/s a >"$TEST_DIR/.out" 2>"$TEST_DIR/.err" &
    local pid=$!
    until_is catches $pid TERM
    sleep 0.3
    kill -TERM $pid
    wait $pid
    code=$?
    out=$(<"$TEST_DIR/.out") err=$(<"$TEST_DIR/.err")
    expect_code 1
    expect_err_has "pagewarden: interrupted"
    expect_out_has "Read "
}

test_progress() {
    make a 1280
    run_terminal "$PAGEWARDEN" warm --rate=5M/s a
    expect_out_has "1 file, "
    run "$PAGEWARDEN" warm a
    expect_err ""
}

test_wrong_usage() {
    run "$PAGEWARDEN" warm
    expect_code 2
    expect_err "pagewarden: warm: which files or folders?"
    run "$PAGEWARDEN" warm --json=yes a
    expect_code 2
    expect_err "pagewarden: --json takes pretty, short or off"
    run "$PAGEWARDEN" warm --lock a
    expect_code 2
    expect_err 'pagewarden: warm: unknown option "--lock" (see pagewarden warm --help)'
}

tests cold_files reads_what_is_missing a_named_file_twice_counts_once dry_run_reads_nothing \
    for_people list_of_files what_is_no_file what_does_not_stay rate interrupted progress wrong_usage
