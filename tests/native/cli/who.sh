#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden who`: real processes that have real files open, mapped and locked.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"

test_open_file() {
    echo x >file
    echo y >other
    sleep 60 3<file 4<file 5<other &
    TEST_PIDS+=($!)
    until_is runs $! sleep # all three are open
    run "$PAGEWARDEN" who --json=short file
    expect_code 0
    expect_json ".files | length == 1 and .[0].path == \"file\""
    expect_json ".files[0].users | length == 1"
    expect_json ".files[0].users[0] | .pid == $! and .descriptors == 2 and .mapped == 0 and .locked == 0"
    run "$PAGEWARDEN" who --no-legend file other
    expect_code 0
    [ "$(wc -l <"$TEST_DIR/.out")" = 2 ] || fail "not a row for each file"
    expect_out_lacks "PID"
    ln file another
    run "$PAGEWARDEN" who --json=short another file
    expect_json '[.files[].users[] | .descriptors] == [2, 2]'
}

test_locked_mapping() {
    local size=$((64 * $(getconf PAGESIZE)))
    head -c $size /dev/urandom >file
    vmtouch -q -l file >/dev/null 2>&1 &
    TEST_PIDS+=($!)
    until_is grep -q "^VmLck:[[:space:]]*$((size / 1024)) kB" "/proc/$!/status"
    run "$PAGEWARDEN" who --json=short file
    expect_code 0
    expect_json ".files[0].users[0] | .command == \"vmtouch\" and .mapped == $size"
    expect_json ".files[0].users[0] | .rss == $size and .pss == $size and .locked == $size"
    run "$PAGEWARDEN" who -b file
    expect_out_has "LOCKED"
    expect_out_has "$size"
}

test_nobody() {
    echo x >file
    run "$PAGEWARDEN" who file
    expect_code 0
    expect_out ""
    run "$PAGEWARDEN" who --json=short file
    expect_json '.files == [{path: "file", users: []}]'
}

test_what_is_no_file() {
    mkdir folder
    mkfifo fifo
    echo x >good
    sleep 60 3<good &
    TEST_PIDS+=($!)
    until_is runs $! sleep
    run timeout 20 "$PAGEWARDEN" who missing folder good fifo
    expect_code 1
    expect_err_has "pagewarden: missing: No such file or directory"
    expect_err_has "pagewarden: folder: is a directory"
    expect_err_has "pagewarden: fifo: is not a regular file"
    expect_out_has "good"
    # Then nobody is looked for, and nothing said of those who could not be looked into.
    run as_nobody ./pagewarden who --json=short missing
    expect_code 1
    expect_err "pagewarden: missing: No such file or directory"
    expect_json '. == {files: [], unreadable: 0}'
    run "$PAGEWARDEN" who
    expect_code 2
    expect_err_has "who: which files?"
}

tests open_file locked_mapping nobody what_is_no_file
