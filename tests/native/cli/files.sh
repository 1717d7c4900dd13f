#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden files`: real processes with real files, in control groups of paper.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"
DATA=$(realpath "$(dirname "$0")/../../data")

# settle PID… : they have opened what they open, and are sleep(1).
settle() {
    local pid
    for pid; do
        until_is runs "$pid" sleep
    done
}

# unit_of PID… : shop.service has these processes.
unit_of() {
    rm -rf groups
    cp -r "$DATA/cgroup/linux-6.12" groups
    printf '%s\n' "$@" >groups/system.slice/shop.service/cgroup.procs
}

# of PATH FILTER: a jq filter on its entry is true.
of() {
    expect_json "[.files[] | select(.path == \"$PWD/$1\")] | length == 1 and (.[0] | $2)"
}

# The file "both" is in memory when they are listed.
list_with_both_cached() {
    cat both >/dev/null
    run "$PAGEWARDEN" files --cgroups=groups --json=short --all shop
    holds ".files[] | select(.path == \"$PWD/both\") | .cached > 0"
}

test_open_and_mapped() {
    local page first second
    page=$(getconf PAGESIZE)
    head -c $((3 * page)) /dev/zero >both
    head -c "$page" /dev/zero >gone
    : >empty
    # Standard output is of no file of ours.
    sleep 60 3<both 4<both 5<gone 6<empty >/dev/null &
    first=$!
    sleep 60 3<both >/dev/null &
    second=$!
    TEST_PIDS+=("$first" "$second")
    settle "$first" "$second"
    rm gone
    unit_of "$first" "$second"
    in_some_try list_with_both_cached
    expect_code 0
    expect_err ""
    expect_json '.unit == "shop.service" and .cgroup == "/system.slice/shop.service" and .unreadable == 0'
    of both ".open == 2 and .mapped == 0 and .size == $((3 * page)) and .deleted == false"
    of both ".cached > 0 and .charged == 0"
    of gone '.open == 1 and .deleted'
    of empty '.open == 1 and .cached == 0'
    expect_json '[.files[] | select(.path | endswith("/sleep"))] | length == 1 and .[0].mapped == 2'
    # The most cached first.
    expect_json '[.files[].cached] | . == (sort | reverse)'
    expect_json '.page_cache > 0 and .other == .page_cache'

    run "$PAGEWARDEN" files --cgroups=groups -b /system.slice/shop.service
    expect_code 0
    expect_out_has "CHARGED"
    expect_out_has "$PWD/gone (deleted)"
    expect_out_has "other files, open in none of its processes"
    expect_out_has "all of its page cache"
    expect_out_lacks "$PWD/empty"
    run "$PAGEWARDEN" files --cgroups=groups --no-legend shop.service
    expect_out_lacks "CACHED"
    expect_out_lacks "all of"
}

# Nothing there is charged to a control group of paper.
test_under() {
    echo x >file
    cat file >/dev/null
    unit_of $$
    run "$PAGEWARDEN" files --cgroups=groups --json=short --under=. --under=missing shop
    expect_code 1
    expect_err "pagewarden: missing: No such file or directory"
    expect_json ".files | all(.path != \"$PWD/file\" and .path != \"./file\")"
}

test_without_privilege() {
    unit_of $$
    chmod -R a+rX groups
    run as_nobody ./pagewarden files --cgroups=groups --json=short shop
    expect_code 0
    expect_err_has "pagewarden: files: only root may see whose pages are whose; CHARGED is not known"
    expect_err_has "pagewarden: 1 process could not be looked into; root may"
    expect_json '.unreadable == 1 and .other == null'
    run as_nobody ./pagewarden files --cgroups=groups --under=. shop
    expect_code 1
    expect_err_has "pagewarden: files: nothing can be found with --under then"
}

test_no_such_unit() {
    unit_of $$
    run "$PAGEWARDEN" files --cgroups=groups shop2
    expect_code 1
    expect_err "pagewarden: shop2.service: no such unit is running"
    run "$PAGEWARDEN" files --cgroups=groups $'/a\e[31m'
    expect_code 1
    expect_err_has '/a\x1b[31m: no such control group'
    run "$PAGEWARDEN" files --cgroups=nowhere shop
    expect_code 1
    expect_err "pagewarden: shop.service: No such file or directory"
    run "$PAGEWARDEN" files
    expect_code 2
    expect_err "pagewarden: files: which unit?"
    run "$PAGEWARDEN" files a b
    expect_code 2
}

tests open_and_mapped under without_privilege no_such_unit
