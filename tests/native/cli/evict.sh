#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden evict` on real files. What nothing holds may leave the page cache at any time, so that what it says
# it evicted is bounded from above only; what it leaves must be held.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"

PAGE=$(getconf PAGESIZE)

# make FILE PAGES: on the disk, and maybe in memory.
make() {
    head -c $(($2 * PAGE)) /dev/urandom >"$1"
    sync "$1"
}

# resident FILE: bytes of it in memory.
resident() {
    "$PAGEWARDEN" inspect --json=short "$1" | jq '.files[0].resident'
}

# hold FILE: locks all of it until the end of the test; $holder is who does.
hold() {
    vmtouch -q -l "$1" &
    holder=$!
    until_is grep -q '^VmFlags:.* lo' "/proc/$holder/smaps"
    until_is is_all_there "$1"
}

is_all_there() {
    [ "$(resident "$1")" = "$(stat -c %s "$1")" ]
}

release() {
    kill "$holder"
    wait "$holder" 2>/dev/null
}

test_files_and_folders() {
    mkdir d d/sub
    make d/a 700
    make d/sub/b 3
    cat d/a d/sub/b >/dev/null
    run "$PAGEWARDEN" evict --json=short d
    expect_code 0
    expect_err ""
    expect_json "[.files[].path] | sort == [\"d/a\", \"d/sub/b\"]"
    expect_json ".total | .files == 2 and .after == 0 and .evicted == .before and .evicted == .by.advise and
        .written == 0 and .locked == 0 and .mapped == 0 and .other == 0"
    [ "$(resident d/a)" = 0 ] || fail "it is still there"
    [ "$(wc -l <"$TEST_DIR/.out")" = 1 ] || fail "--json=short is not one line"
}

# A file is one, by however many names and arguments it is found.
test_names_of_one_file() {
    mkdir one
    make one/a 5
    ln one/a one/b
    hold one/a
    for option in --json=short --dry-run; do
        run "$PAGEWARDEN" evict $option --json=short one one/b
        expect_json "(.files | length) == 1 and .total.files == 1 and .total.before == $((5 * PAGE))"
    done
    release
}

# In memory, each would take a kilobyte and more.
test_many_files_as_json() {
    (ulimit -v 30000; "$PAGEWARDEN" --version) >/dev/null 2>&1 || return 0 # as built here it takes more anyway
    mkdir many
    (cd many && seq 20000 | xargs touch)
    (ulimit -v 30000; "$PAGEWARDEN" evict --json=short many) >"$TEST_DIR/.out" || fail "it takes too much memory"
    expect_json ".total.files == 20000 and (.files | length) == 20000"
}

test_for_people() {
    make a 256
    run "$PAGEWARDEN" evict a
    expect_code 0
    expect_out_has ": 1 file, 0 left in memory"
    LC_ALL=C run "$PAGEWARDEN" evict --help
    expect_code 0
    expect_out_has "--mapped=skip|page-out"
}

test_what_is_locked_stays_and_is_told() {
    make a 256
    make b 4
    hold a
    for mapped in skip page-out; do
        cat b >/dev/null
        run "$PAGEWARDEN" evict --json=short --mapped=$mapped a b
        expect_code 1
        expect_err "pagewarden: 1M of it stays: locked"
        expect_json ".files[] | select(.path == \"a\") | .after == $((256 * PAGE)) and .locked == .after and
            .evicted == 0 and .error == null"
        expect_json ".files[] | select(.path == \"b\") | .after == 0"
        [ "$(resident a)" = $((256 * PAGE)) ] || fail "not all of it is there any more"
        [ "$(resident b)" = 0 ] || fail "what is beside it is still there"
    done
    release
}

test_dirty() {
    head -c $((256 * PAGE)) /dev/urandom >a
    local sum
    sum=$(sha256sum <a)
    run "$PAGEWARDEN" evict --json=short --dirty=write-back a
    expect_code 0
    expect_json ".total | .after == 0 and .evicted == .before"
    [ "$(sha256sum <a)" = "$sum" ] || fail "it is another file now"
    # Who is first, the kernel or we, only the kernel knows; but we never write.
    head -c $((256 * PAGE)) /dev/urandom >b
    run "$PAGEWARDEN" evict --json=short b
    expect_json ".total | .written == 0 and .dirty == .after and .by[\"write-back\"] == 0"
    if [ "$(jq .total.after <"$TEST_DIR/.out")" != 0 ]; then
        expect_code 1
        expect_err_has "of it stays: dirty (--dirty=write-back writes it to the disk first)"
    fi
}

test_keep() {
    make a 1024
    for keep in "--keep=last 1M" "--keep last 1M" "--keep=first 1M"; do
        hold a
        # shellcheck disable=SC2086 # one word, or three
        if [ "$keep" = "--keep last 1M" ]; then run "$PAGEWARDEN" evict --json=short $keep a; else
            run "$PAGEWARDEN" evict --json=short "$keep" a; fi
        expect_code 1
        expect_json ".total | .before == $((768 * PAGE)) and .locked == .before"
        release
    done
    for keep in 1M "last" "last 0" "last 10%" "middle 1M" "lastly 1M"; do
        run "$PAGEWARDEN" evict --keep "$keep"
        expect_code 2
        expect_err_has "pagewarden: evict: --keep takes first or last, and a size: --keep last 16M"
    done
}

test_range() {
    local pages
    make a 1024
    hold a
    # Whole pages, of which none has a byte beyond.
    for range in "--range=1M-3M" "--range 1048575-3145729" "--range=3M-" "--range=3M-9M --keep last 512K"; do
        case $range in
        *3M-9M*) pages=128 ;;
        *3M-) pages=256 ;;
        *) pages=512 ;;
        esac
        # shellcheck disable=SC2086 # one word, or several
        run "$PAGEWARDEN" evict --json=short $range a
        expect_code 1
        expect_json ".total | .before == $((pages * PAGE)) and .locked == .before"
        # shellcheck disable=SC2086
        run "$PAGEWARDEN" evict --json=short --dry-run $range a
        expect_code 0
        expect_json ".total.before == $((pages * PAGE))"
    done
    release
    cat a >/dev/null
    run "$PAGEWARDEN" evict --range=1M-3M a
    expect_code 0
    [ "$(resident a)" -le $((512 * PAGE)) ] || fail "$(resident a) are left"
    for range in 1M -1M 0-10% 1M-1M "0 - 1M" ""; do
        run "$PAGEWARDEN" evict --range="$range" a
        expect_code 2
        expect_err_has "pagewarden: evict: --range takes 0-8M, for the first 8 MiB, or 1G-, for all behind 1 GiB"
    done
    run "$PAGEWARDEN" evict --range=0-1M --keep "first 1M" a
    expect_code 2
    expect_err_has "pagewarden: evict: --keep leaves nothing to go of --range"
}

test_dry_run_evicts_nothing() {
    make a 256
    hold a
    run "$PAGEWARDEN" evict -n a
    expect_code 0
    expect_out "Would evict at most 1M: 1 file, 1M in memory now"
    run "$PAGEWARDEN" evict --dry-run --json=short a
    expect_code 0
    expect_json ".total | .before == $((256 * PAGE)) and .after == null and .evicted == null"
    release
}

test_lists() {
    make a 2
    make $'b\nc' 3
    printf 'a\0b\nc\0' >list
    run "$PAGEWARDEN" evict --json=short --files0-from=list
    expect_code 0
    expect_json '[.files[].path] == ["a", "b\nc"]'
    printf 'b\nc\0' | "$PAGEWARDEN" evict --json=short a - >"$TEST_DIR/.out"
    expect_json '[.files[].path] == ["a", "b\nc"]'
    make d 1
    make e 1
    printf 'b\nc\0' | "$PAGEWARDEN" evict --json=short e d - -- a >"$TEST_DIR/.out"
    expect_json '[.files[].path] == ["e", "d", "b\nc", "a"]'
    run "$PAGEWARDEN" evict --files0-from=missing
    expect_code 1
    expect_err "pagewarden: missing: No such file or directory"
    run "$PAGEWARDEN" evict
    expect_code 2
    expect_err "pagewarden: evict: which files or folders?"
}

test_what_is_no_file() {
    make good 1
    make linked 1
    mkfifo fifo
    ln -s linked link
    mkdir d
    ln -s ../good d/link
    mkfifo d/fifo
    run timeout 10 "$PAGEWARDEN" evict --json=short missing fifo good link d $'gone\e[2J'
    expect_code 1
    expect_err_has "pagewarden: missing: No such file or directory"
    expect_err_has "pagewarden: fifo: is a FIFO"
    expect_err_has 'pagewarden: gone\x1b[2J: No such file or directory'
    expect_json '[.files[].path] == ["good", "link"]'
}

# Where a file lives in memory only, it stays, and nothing is said to have been evicted.
test_in_memory_only() {
    [ "$(stat -f -c %T /dev/shm)" = tmpfs ] || { TEST_SKIP="no tmpfs"; return; }
    local file
    file=$(mktemp /dev/shm/pagewarden-test.XXXXXX)
    head -c $((256 * PAGE)) /dev/urandom >"$file"
    run "$PAGEWARDEN" evict --dirty=write-back --mapped=page-out "$file"
    rm -f "$file"
    expect_code 1
    expect_out "Evicted 0: 1 file, 1M left in memory"
    expect_err "pagewarden: 1M of it stays: in memory only (tmpfs)"
}

test_not_ours() {
    [ "$(id -u)" = 0 ] || { TEST_SKIP="not root"; return; }
    make a 4
    chmod 644 a
    chmod 755 . .. 2>/dev/null
    cp "$PAGEWARDEN" /tmp/pagewarden-test.$$
    run setpriv --reuid=65534 --clear-groups /tmp/pagewarden-test.$$ evict --json=short /etc/passwd
    expect_code 1
    expect_err "pagewarden: /etc/passwd: the kernel tells only owners and root what is in memory"
    expect_json '.files[0] | .before == null and .evicted == null and .error != null'
    run setpriv --reuid=65534 --clear-groups /tmp/pagewarden-test.$$ evict --spare-cached /etc/passwd -- true
    rm -f /tmp/pagewarden-test.$$
    expect_code 1
    expect_err_has "pagewarden: /etc/passwd: the kernel tells only owners and root what is in memory"
}

test_rate() {
    local before
    make a 1280
    hold a
    before=$(date +%s%N)
    run "$PAGEWARDEN" evict --rate=10M/s a
    (($(date +%s%N) - before >= 450000000)) || fail "5 MiB at 10 MiB/s in less than half a second"
    head -c 64M /dev/zero >dirty # which stays until it is written
    "$PAGEWARDEN" evict --dirty=write-back --rate=10M/s dirty >"$TEST_DIR/.out" 2>"$TEST_DIR/.err" &
    local pid=$!
    until_is catches $pid TERM
    sleep 1
    kill -TERM $pid
    wait $pid
    code=$? out=$(<"$TEST_DIR/.out") err=$(<"$TEST_DIR/.err")
    expect_code 1
    expect_err_has "pagewarden: interrupted"
    expect_err_has " of it stays: interrupted"
    expect_out_has "Evicted "
    release
    run "$PAGEWARDEN" evict --rate=10M a
    expect_code 2
    expect_err "pagewarden: evict: --rate takes bytes per second: 16M/s"
    run "$PAGEWARDEN" evict --dirty=write a
    expect_code 2
    expect_err "pagewarden: evict: --dirty is skip or write-back"
    run "$PAGEWARDEN" evict --mapped=yes a
    expect_code 2
    expect_err "pagewarden: evict: --mapped is skip or page-out"
}

# It ends early then, and tells what came of those that it has met.
test_for_want_of_descriptors() {
    mkdir held
    for i in $(seq 40); do make "held/$i" 1; done
    vmtouch -q -l held &
    TEST_PIDS+=($!)
    until_is grep -q "^VmLck:[[:space:]]*$((40 * PAGE / 1024)) kB" "/proc/$!/status"
    (ulimit -n 24; "$PAGEWARDEN" evict --json=short held) >"$TEST_DIR/.out" 2>"$TEST_DIR/.err"
    code=$? out=$(<"$TEST_DIR/.out") err=$(<"$TEST_DIR/.err")
    expect_code 1
    expect_err_has "pagewarden: held: Too many open files"
    expect_err_has "of it stays: could not be evicted, as told"
    expect_json '(.files | length > 9 and all(.after == .before and .failed == .after and .error != null)) and
        .total.files == (.files | length)'
}

# True when what was in memory still is: what nothing holds may leave it at any time.
spare() {
    "$PAGEWARDEN" evict d >/dev/null
    cat d/warm >/dev/null
    dd if=d/part of=/dev/null bs="$PAGE" count=1 status=none
    before=$(resident d/part)
    run "$PAGEWARDEN" evict --spare-cached --json=short d -- sh -c 'sha256sum d/*; exit 3'
    mv "$TEST_DIR/.out" "$TEST_DIR/.command"
    mv "$TEST_DIR/.err" "$TEST_DIR/.out"
    [ "$(resident d/warm)" = $((64 * PAGE)) ] && [ "$(resident d/part)" = "$before" ] && [ "$before" -gt 0 ] &&
        holds "[.files[].path] | sort == [\"d/cold\", \"d/part\"]" && holds ".total.evicted > 0"
}

# Not sooner than after half a second, which a rate makes of it.
test_progress_is_for_terminals() {
    make a 1280
    hold a
    run_terminal "$PAGEWARDEN" evict --rate=5M/s a
    # More than once in the one second for which it takes one file.
    [ "$(grep -o "1 file, 0" "$TEST_DIR/.typescript" | wc -l)" -ge 3 ] || fail "no progress in: $out"
    run "$PAGEWARDEN" evict --rate=5M/s a
    expect_out_has "Evicted 0: 1 file, 5M left in memory"
    [[ $err != *"1 file"* ]] || fail "progress on what is no terminal: $err"
    release
}

test_spare_cached() {
    local before
    mkdir d
    make d/warm 64
    make d/part 2048
    make d/cold 64
    in_some_try spare
    expect_code 3
    [ "$(cut -c 67- <"$TEST_DIR/.command" | tr '\n' ' ')" = "d/cold d/part d/warm " ] || fail "not what the command wrote"
    expect_json ".total.after == 0"
    expect_json ".files[] | select(.path == \"d/part\") | .evicted <= $((2048 * PAGE)) - $before"
    [ "$(resident d/cold)" = 0 ] || fail "the command left something behind"

    # Files that the command makes are looked at as well; they need not be there before.
    run "$PAGEWARDEN" evict --spare-cached --dirty=write-back new -- cp d/cold new
    expect_code 0
    expect_out ""
    expect_err_has ": 1 file, 0 left in memory"
}

# Of a file that is in memory in part, too: what the command writes to the rest of it, or is mapped there.
test_spare_cached_and_the_other_rungs() {
    make part 2048
    vmtouch -q -l -p 4M-4100k part &
    holder=$!
    TEST_PIDS+=("$holder")
    local i
    for ((i = 0; i < 100; i++)); do
        grep -q '^VmFlags:.* lo' "/proc/$holder/smaps" 2>/dev/null && [ "$(resident part)" -ge $((PAGE)) ] && break
        sleep 0.1
    done
    "$PAGEWARDEN" evict part >/dev/null 2>&1
    run "$PAGEWARDEN" evict --spare-cached --dirty=write-back --json=short part -- \
        dd if=/dev/zero of=part bs="$PAGE" count=512 conv=notrunc status=none
    expect_code 0
    mv "$TEST_DIR/.err" "$TEST_DIR/.out"
    expect_json ".total | .files == 1 and .before >= $((512 * PAGE)) and .dirty == 0 and .after == 0"
    [ "$(resident part)" -gt 0 ] || fail "what was locked is gone"

    # And says why something stays: not that it is dirty "again".
    run "$PAGEWARDEN" evict --spare-cached part -- dd if=/dev/zero of=part bs="$PAGE" count=512 conv=notrunc status=none
    [ "$code" = 0 ] || expect_err_has "(--dirty=write-back writes it to the disk first)"
    kill "$holder"
    wait "$holder" 2>/dev/null
}

test_spare_cached_usage() {
    make a 1
    run "$PAGEWARDEN" evict --spare-cached a
    expect_code 2
    expect_err "pagewarden: evict: --spare-cached takes a command: PATH… -- COMMAND…"
    run "$PAGEWARDEN" evict --spare-cached -- true
    expect_code 2
    expect_err "pagewarden: evict: which files or folders?"
    run "$PAGEWARDEN" evict --spare-cached -n a -- true
    expect_code 2
    expect_err "pagewarden: evict: --dry-run runs no command, and --spare-cached is about one"
    run "$PAGEWARDEN" evict --spare-cached --keep "last 1M" a -- true
    expect_code 2
    expect_err "pagewarden: evict: --keep or --spare-cached, not both"
    run "$PAGEWARDEN" evict --spare-cached --range 0-1M a -- true
    expect_code 2
    expect_err "pagewarden: evict: --range or --spare-cached, not both"
    run "$PAGEWARDEN" evict --spare-cached a -- ./missing
    expect_code 127
    expect_err_has "pagewarden: ./missing: No such file or directory"
    run "$PAGEWARDEN" evict --spare-cached a -- sh -c 'kill -9 $$'
    expect_code 137
    # Without it, what stands behind is paths.
    run "$PAGEWARDEN" evict -- a
    expect_code 0
}

tests files_and_folders names_of_one_file many_files_as_json for_people what_is_locked_stays_and_is_told dirty keep range dry_run_evicts_nothing lists \
    what_is_no_file in_memory_only not_ours rate for_want_of_descriptors progress_is_for_terminals spare_cached spare_cached_and_the_other_rungs spare_cached_usage
