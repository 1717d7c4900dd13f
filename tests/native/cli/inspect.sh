#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden inspect` on real files. What nothing holds may leave the page cache at any time, so
# that what must be resident is locked meanwhile, and what must not be was never read.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"

PAGE=$(getconf PAGESIZE)

# hold FILE SIZE: keeps the file in memory until the end of the test program.
hold() {
    vmtouch -q -l "$1" >/dev/null 2>&1 &
    TEST_PIDS+=($!)
    until_is grep -q "^VmLck:[[:space:]]*$(($2 / 1024)) kB" "/proc/$!/status"
}

test_locked_file() {
    local size=$((64 * PAGE))
    head -c $size /dev/urandom >file
    hold file $size
    run "$PAGEWARDEN" inspect --json=short file
    expect_code 0
    expect_err ""
    expect_json ".files | length == 1"
    expect_json ".files[0] | .path == \"file\" and .size == $size and .resident == $size"
    expect_json ".total == {files: 1, size: $size, resident: $size, dirty: .total.dirty, unknown: 0}"
    [ "$(wc -l <"$TEST_DIR/.out")" = 1 ] || fail "--json=short is not one line"
    run "$PAGEWARDEN" inspect file
    expect_code 0
    expect_out_has "▇▇▇▇▇▇▇▇ 100%"
    expect_out_has "total (1 file)"
    LC_ALL=C run "$PAGEWARDEN" inspect file
    expect_out_has "######## 100%"
}

test_cold_file() {
    truncate -s $((64 * PAGE)) file
    run "$PAGEWARDEN" inspect --json=short file
    expect_code 0
    expect_json ".files[0] | .size == $((64 * PAGE)) and .resident == 0"
    expect_json ".files[0] | .dirty == null or .dirty == 0"
    run "$PAGEWARDEN" inspect file
    expect_out_has "░░░░░░░░   0%"
}

# Written and not yet on the disk: dirty or being written, where the kernel counts that.
test_dirty_file() {
    head -c $((256 * PAGE)) /dev/zero >file
    run "$PAGEWARDEN" inspect --json=short file
    sync file
    expect_json ".files[0] | .dirty == null or (.dirty <= .resident and .writeback <= .resident)"
    run "$PAGEWARDEN" inspect --json=short file
    expect_json ".files[0] | .dirty == null or .dirty == 0"
}

test_folder() {
    mkdir -p d/sub/.hidden outside
    echo 1 >d/a
    echo 22 >d/sub/b
    echo 333 >d/sub/.hidden/c
    echo 4444 >outside/x
    ln d/a d/sub/hard
    ln -s ../outside d/link
    ln -s ../outside/x d/link-to-file
    mkfifo d/fifo
    run "$PAGEWARDEN" inspect --json=short d
    expect_code 0
    expect_err ""
    expect_json '[.files[].path] | sort == ["d/a", "d/sub/.hidden/c", "d/sub/b", "d/sub/hard"]'
    expect_json '.total.files == 3 and .total.size == 2 + 3 + 4'
    run "$PAGEWARDEN" inspect --json=short d/ d/a "$PWD/d/sub"
    expect_json '.files | length == 8'
    expect_json '.total.files == 3'
    run "$PAGEWARDEN" inspect d
    expect_out_has "total (3 files)"
}

test_named_symlink() {
    mkdir d
    echo 1 >d/a
    ln -s d link
    ln -s d/a link-to-file
    run "$PAGEWARDEN" inspect --json=short link link-to-file
    expect_code 0
    expect_json '[.files[].path] == ["link/a", "link-to-file"] and .total.files == 1'
}

test_what_is_no_file() {
    echo x >good
    mkfifo fifo
    run timeout 10 "$PAGEWARDEN" inspect missing fifo /dev/null good dangling/x
    expect_code 1
    expect_err_has "pagewarden: missing: No such file or directory"
    expect_err_has "pagewarden: fifo: is a FIFO"
    expect_err_has "pagewarden: /dev/null: is a device"
    expect_err_has "pagewarden: dangling/x: No such file or directory"
    expect_out_has "good"
    run "$PAGEWARDEN" inspect ""
    expect_code 1
    expect_err_has "No such file"
}

test_names_that_start_with_a_dash() {
    echo x >--json=pretty
    run "$PAGEWARDEN" inspect --json=short -- --json=pretty
    expect_code 0
    expect_json '.files[0].path == "--json=pretty"'
}

test_nothing_in_a_folder() {
    mkdir empty
    run "$PAGEWARDEN" inspect --json=short empty
    expect_code 0
    expect_json '. == {files: [], total: {files: 0, size: 0, resident: 0, dirty: 0, unknown: 0}}'
    run "$PAGEWARDEN" inspect empty
    expect_code 0
    expect_out ""
}

test_hostile_names() {
    mkdir d
    echo x >d/$'esc\e]0;title\a'
    echo x >d/$'line\nbreak'
    echo x >d/$'latin\xe9'
    run "$PAGEWARDEN" inspect d $'gone\e[2J'
    expect_code 1
    expect_out_has 'd/esc\x1b]0;title\x07'
    expect_out_has 'd/line\nbreak'
    expect_out_has 'd/latin\xe9'
    expect_err_has 'gone\x1b[2J: No such'
    [ "$(wc -l <"$TEST_DIR/.out")" = 5 ] || fail "a name broke its line"
    run "$PAGEWARDEN" inspect --json=short d
    expect_code 0
    expect_json '[.files[].path] | sort == ["d/esc\u001b]0;title\u0007", "d/latin\\xe9", "d/line\nbreak"]'
    iconv -f UTF-8 -t UTF-8 "$TEST_DIR/.out" >/dev/null || fail "JSON is not UTF-8"
}

test_output_options() {
    truncate -s 1536 file
    run "$PAGEWARDEN" inspect file
    expect_out_has "PATH"
    expect_out_has "1.5K"
    run "$PAGEWARDEN" inspect -b --no-legend file
    expect_out_has "1536"
    expect_out_lacks "PATH"
    expect_out_lacks "total"
    run "$PAGEWARDEN" inspect --json=pretty file
    expect_json '.files | length == 1'
    [ "$(wc -l <"$TEST_DIR/.out")" -gt 5 ] || fail "--json=pretty is not indented"
    run "$PAGEWARDEN" inspect --json=off file
    expect_out_has "PATH"
}

test_too_deep() {
    local i path=d
    for ((i = 0; i < 120; i++)); do
        path+=/d
    done
    mkdir -p "$path"
    echo x >d/shallow
    echo x >"$path/deep"
    run "$PAGEWARDEN" inspect d
    expect_code 1
    expect_err_has "is too deep"
    expect_out_has "d/shallow"
    expect_out_lacks "deep"
}

# Both are asked one after the other: what was read around the lock may go meanwhile.
ranges_agree() {
    run "$PAGEWARDEN" inspect --map --json=short file
    holds "([.files[0].ranges[].length] | add) == .files[0].resident"
}

# What is locked is drawn, and its ranges are told; the rest was never read.
test_map() {
    local size=$((80 * PAGE))
    truncate -s $size file
    vmtouch -q -l -p 0-$((size / 2)) file >/dev/null 2>&1 &
    TEST_PIDS+=($!)
    until_is grep -q "^VmLck:[[:space:]]*$((size / 2048)) kB" "/proc/$!/status"
    in_some_try ranges_agree
    expect_code 0
    expect_json ".files[0].ranges[0].offset == 0 and .files[0].ranges[0].length >= $((size / 2))"
    run "$PAGEWARDEN" inspect --map file
    expect_code 0
    expect_out_has "MAP"
    expect_out_has "████████████████████"
    run "$PAGEWARDEN" inspect --map --ascii --no-legend file
    expect_out_has "####################"
    expect_out_lacks "MAP"
    LC_ALL=C run "$PAGEWARDEN" inspect --map file
    expect_out_has "####################"
    truncate -s $size cold
    run "$PAGEWARDEN" inspect --map --ascii cold
    expect_out_has "........................................ cold"
    run "$PAGEWARDEN" inspect --map --json=short cold
    expect_json '.files[0].ranges == []'
    run "$PAGEWARDEN" inspect --json=short cold
    expect_json '.files[0] | has("ranges") | not'
    run "$PAGEWARDEN" inspect --ascii cold
    expect_code 2
    expect_err_has "inspect: --ascii is for --map"
}

# Every page of a locked file has one owner, whoever that is, and is locked.
test_by_cgroup() {
    skip_unless_root || return
    local size=$((64 * PAGE))
    head -c $size /dev/urandom >file
    hold file $size
    run "$PAGEWARDEN" inspect --by-cgroup --json=short file
    expect_code 0
    expect_json '.files | length == 1'
    expect_json "([.files[0].cgroups[].resident] | add) == $size"
    expect_json "([.files[0].cgroups[].locked] | add) == $size"
    run "$PAGEWARDEN" inspect --by-cgroup file
    expect_out_has "CGROUP"
    truncate -s $size cold
    run "$PAGEWARDEN" inspect --by-cgroup --json=short cold
    expect_json '.files == [{path: "cold", cgroups: []}]'
    run "$PAGEWARDEN" inspect --by-cgroup --map file
    expect_code 2
    expect_err_has "inspect: --map or --by-cgroup, not both"
    chmod 644 file
    run as_nobody ./pagewarden inspect --by-cgroup file
    expect_code 1
    expect_err_has "only root may see which control groups pages are charged to"
}

# The kernel tells only the owner; mincore would say "all of it" to anybody else.
test_not_ours() {
    skip_unless_root || return
    truncate -s $((4 * PAGE)) theirs
    chmod 644 theirs
    echo x >secret
    chmod 600 secret
    mkdir closed
    echo x >closed/x
    chmod 700 closed
    run as_nobody ./pagewarden inspect --json=short theirs
    expect_code 0
    expect_json '.files[0].resident == null or .files[0].resident == 0'
    expect_json 'if .files[0].resident == null then .total.unknown == 1 and .total.resident == null
        else true end'
    run as_nobody ./pagewarden inspect theirs secret closed
    expect_code 1
    expect_err_has "secret: cannot be read: Permission denied"
    expect_err_has "closed: cannot be read: Permission denied"
    expect_out_has theirs
}

# Nobody waits in front of a file.
test_progress_is_for_terminals() {
    mkdir d
    (cd d && seq 1 2000 | xargs touch)
    run "$PAGEWARDEN" inspect d
    expect_code 0
    expect_err ""
}

tests locked_file cold_file dirty_file folder named_symlink what_is_no_file \
    names_that_start_with_a_dash nothing_in_a_folder hostile_names output_options too_deep not_ours \
    progress_is_for_terminals map by_cgroup
