#!/bin/bash
# SPDX-License-Identifier: MIT
# The parts of the experiment, on small files of this machine: test.sh SHOP BACKUP WATCH SOURCE-ROOT.
# The experiment itself needs a guest: tests/vm/cases/05-experiment.sh.
set -u
SHOP=$(realpath "$1") BACKUP=$(realpath "$2") WATCH=$(realpath "$3") ROOT=$(realpath "$4")
# shellcheck source=tests/native/cli/lib.sh
. "$ROOT/tests/native/cli/lib.sh"

make_file() { # NAME MIB
    head -c "$2M" /dev/urandom >"$1"
    sync "$1"
}

resident() { # FILE: bytes, as another program sees it
    vmtouch "$1" | awk '$1 == "Resident" { sub("/.*", "", $3); print $3 * 4096 }'
}

# Far from the three in four and more of a cold file; not none, since a kernel may take pages that nobody locks at any
# time. When it takes too many, all is done again; so it is when a busy machine lets us ask for too little.
WARM='.slow <= .requests * 0.5'
ENOUGH='.requests >= 150'

make_cold() { # FILE
    in_some_try throw_out "$1"
}

throw_out() { # FILE
    dd if="$1" iflag=nocache count=0 status=none
    [ "$(resident "$1")" = 0 ]
}

# shop FILTER OPTION…: on a cold file; whether this is true of what it says.
shop() {
    make_cold file
    run "$SHOP" --file file --rate 200 --seconds 1 "${@:2}"
    holds "$1"
}

test_shop_asks_for_pages_that_are_not_in_memory() {
    make_file file 16
    in_some_try shop "$ENOUGH"
    expect_code 0
    # 200 random ones of 4096 pages: nearly all are different; the kernel reads a neighbouring page now and then.
    expect_json '.access == "pread" and .requests <= 200 and .file_bytes == 16777216'
    expect_json '.slow >= .requests * 0.75 and .slow <= .requests'
    expect_json '.latency_us | .p50 > 0 and .p50 <= .p90 and .p90 <= .p99 and .p99 <= .p999 and .p999 <= .max'
    expect_json '.requests == ([.latency_histogram_us[][1]] | add)'
}

test_shop_warms_up() {
    make_file file 16
    in_some_try shop "$WARM and $ENOUGH" --warmup
    expect_code 0
}

test_shop_maps() {
    make_file file 16
    shop . --mmap
    expect_code 0
    expect_json '.access == "mmap" and .slow > 0 and .major_faults >= .slow'
    in_some_try shop "$WARM" --mmap --warmup
}

begin_anew_and_end() {
    make_cold file
    "$SHOP" --file file --rate 100 --report report &
    local shop=$!
    TEST_PIDS+=("$shop")
    until_is catches $shop USR1
    sleep 1
    "$SHOP" --file file --rate 1 --seconds 1 --warmup >/dev/null # all of it is in memory now
    kill -USR1 $shop
    sleep 1
    kill -TERM $shop
    wait $shop
    code=$? err=''
    cp report "$TEST_DIR/.out"
    out=$(cut -c 1-200 report)
    holds "$WARM and .requests > 0"
}

test_shop_begins_anew_and_ends_by_signal() {
    make_file file 16
    in_some_try begin_anew_and_end
    expect_code 0
    expect_json '.requests <= .seconds * 100'
}

ask_twice() {
    make_cold file
    "$SHOP" --file file --rate 100 --seconds 1 --seed 1 >/dev/null
    run "$SHOP" --file file --rate 100 --seconds 1 --seed 1
    holds "$WARM"
}

test_shop_asks_for_the_same_pages_again() {
    make_file file 16
    in_some_try ask_twice
    run "$SHOP" --file file --rate 100 --seconds 1 --seed 2
    expect_json '.slow > .requests * 0.5'
}

test_shop_refuses() {
    run "$SHOP"
    expect_code 1
    expect_err_has "exactly one --file is needed"
    run "$SHOP" --file nothing
    expect_code 1
    expect_err_has "nothing: No such file or directory"
    : >empty
    run "$SHOP" --file empty
    expect_code 1
    expect_err_has "empty: not a regular file of at least one page"
    run "$SHOP" --file empty --rate 0
    expect_code 1
    expect_err_has "--rate 0: not a number from 1 to 1000000"
    run "$SHOP" --file empty --seconds -1
    expect_code 1
    expect_err_has "--seconds -1: not a number"
}

# What it leaves behind is the point of it.
read_everything() {
    run "$BACKUP" --passes 2 --report report --progress progress folder
    [ "$(resident folder/deeper/b)" -gt $((8 << 20)) ]
}

test_backup_reads_everything() {
    mkdir -p folder/deeper
    make_file folder/a 3
    make_file folder/deeper/b 9
    ln -s ../file folder/link # not followed, not counted
    in_some_try read_everything
    expect_code 0
    cp report "$TEST_DIR/.out"
    expect_json '.bytes == 24 * 1048576 and .files == 4 and .seconds >= 0'
    [ "$(cat progress)" -ge $((16 << 20)) ] || fail "progress stops at $(cat progress)"
    run "$BACKUP" --mib 5 folder
    expect_json '.bytes >= 5 * 1048576 and .bytes < 6 * 1048576'
}

test_backup_refuses() {
    mkdir empty
    run "$BACKUP" empty
    expect_code 1
    expect_err_has "empty: no files in it"
    run "$BACKUP" nothing
    expect_code 1
    expect_err_has "nothing"
    run "$BACKUP"
    expect_code 1
    expect_err_has "exactly one folder is needed"
    run "$BACKUP" --passes 0 empty
    expect_code 1
    expect_err_has "--passes 0: not a number from 1 to 1000"
}

agree() {
    make_cold file
    head -c 3M file >/dev/null
    run "$WATCH" --once --file file --service service
    holds ".resident == $(resident file) and .resident > 0"
}

test_watch_agrees_with_vmtouch() {
    make_file file 8
    mkdir service
    printf 'anon 1\nworkingset_refault_file 42\nunevictable 7\n' >service/memory.stat
    in_some_try agree
    expect_code 0
    expect_json '.refaults == 42 and .unevictable == 7 and .neighbour_high == null and .streamed == null'
    run "$WATCH" --once --file file --service gone
    expect_code 0
    expect_json '.refaults == null'
    run "$WATCH" --once --file nothing
    expect_code 1
    expect_err_has "nothing: No such file or directory"
}

# A result as `run` writes it, of two phases; numbers are round, so that what is computed is known.
result() {
    jq -n 'def phase($name; $slow; $refaults; $left; $backup): {
            $name, refaults: $refaults, resident_bytes: ($left * 1048576), locked_bytes: 0,
            backup: $backup, streamed_seconds: ($backup.seconds // null),
            shop: {requests: 1000, slow: $slow, disk_bytes: ($slow * 4096), major_faults: 7,
                   latency_us: {p50: 50, p90: 400, p99: 5000, p999: 60000, max: 70000},
                   latency_histogram_us: [[50, 900], [5000, 99], [70000, 1]]},
            samples: [{t: -3, resident: 268435456}, {t: 20, resident: ($left * 1048576)}]};
        {version: 1, memory_high: {checked: 5, changed: []},
         machine: {system: "Debian <13>", kernel: "6.12-x", memory_bytes: 1073741824, slice_bytes: null,
                   iops: 3000, emulated: true},
         settings: {rate: 50, seconds: 20, file_bytes: 268435456, stream_bytes: 3221225472},
         phases: [phase("neighbour"; 600; 800; 10; {seconds: 12.34, bytes: 1}),
                  phase("pagewarden"; 0; 4; 256; {seconds: 15, bytes: 1}),
                  phase("mmap-neighbour"; 5; 6; 250; {seconds: 15, bytes: 1})]}' >results.json
}

test_report_says_what_was_measured() {
    result
    run "$ROOT/tests/experiment/report" results.json --svg picture.svg
    expect_code 0
    expect_err ""
    expect_out_has "600 (60.0 %)"
    expect_out_has "4 instead of 800 (0.5 %)"
    expect_out_has "12.3 s"
    expect_out_has "memory.high of all 5 cgroups is what it was before"
    expect_out_has "emulated: times are inflated"
    expect_out_has "suffers far less: 0.5 % slow instead of 60.0 %, 250 MiB left"
    run python3 -c 'import sys, xml.etree.ElementTree as tree; print(len(list(tree.parse(sys.argv[1]).iter())))' picture.svg
    expect_code 0
    grep -q 'Debian &lt;13&gt;' picture.svg || fail "names are not escaped in the picture"
    run "$ROOT/tests/experiment/report" results.json --markdown
    expect_out_has "| refaults | 800 | 4 | 6 |"
    expect_out_has "| major faults | 7 | 7 | 7 |"
    jq '.phases[0].name = "senpai"' results.json >others.json
    run "$ROOT/tests/experiment/report" others.json --svg picture.svg
    expect_code 0
    expect_out_has "+ backup, oomd's Senpai on it"
}

test_report_tells_of_limits_that_stayed() {
    result
    jq '.memory_high.changed = ["system.slice/backup.service"]' results.json >changed.json
    run "$ROOT/tests/experiment/report" changed.json
    expect_out_has "memory.high is not what it was before: system.slice/backup.service"
}

test_report_refuses() {
    echo '{"version": 1' >broken.json
    run "$ROOT/tests/experiment/report" broken.json
    expect_code 1
    expect_err_has "report: broken.json: "
    echo '{"version": 2, "phases": [1]}' >other.json
    run "$ROOT/tests/experiment/report" other.json
    expect_code 1
    expect_err_has "not a result of the experiment"
    run "$ROOT/tests/experiment/report" nothing.json
    expect_code 1
    expect_err_has "nothing.json"
}

test_progress_shows_phases_and_passes_on_the_rest() {
    printf '%s\n' 'sizes 1048576 1073741824' 'phase 1 2 neighbour' 'step streaming' \
        '{"t":1,"resident":524288,"streamed":536870912}' 'something else' 'step measuring' 'step done' >lines
    run bash -c '"$1" <lines' progress "$ROOT/tests/experiment/progress"
    expect_code 0
    expect_out_has "Phase 1 of 2: with the backup, unprotected"
    expect_out_has "something else"
    expect_out_has "████████████░░░░░░░░░░░░    0 of 1 MiB"
}

test_run_and_demo_refuse() {
    run "$ROOT/tests/experiment/run" --phases alone,nonsense
    expect_code 1
    expect_err_has "--phases: no phase 'nonsense'"
    run "$ROOT/tests/experiment/run" --rate 0
    expect_code 1
    expect_err_has "--rate 0: not a number of at least 1"
    run "$ROOT/scripts/demo" --seconds ten
    expect_code 1
    expect_err_has "--seconds ten: not a number"
    run "$ROOT/scripts/demo" --nonsense
    expect_code 1
    expect_err_has "unknown option --nonsense"
    run "$ROOT/scripts/demo" --output nowhere
    expect_code 1
    expect_err_has "nowhere: not a folder"
    if [ "$(id -u)" = 0 ]; then # in a namespace whose process 1 is no systemd
        run unshare --pid --fork --mount-proc "$ROOT/scripts/demo" --here --output .
        expect_code 1
        expect_err_has "--here: process 1 is demo, not systemd"
    else
        run "$ROOT/scripts/demo" --here --output .
        expect_code 1
        expect_err_has "needs root"
    fi
}

tests shop_asks_for_pages_that_are_not_in_memory shop_warms_up shop_maps shop_begins_anew_and_ends_by_signal \
    shop_asks_for_the_same_pages_again shop_refuses backup_reads_everything backup_refuses \
    watch_agrees_with_vmtouch report_says_what_was_measured report_tells_of_limits_that_stayed report_refuses \
    progress_shows_phases_and_passes_on_the_rest run_and_demo_refuse
