#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden pin`, `unpin` and `pins` over a bus of their own: what they ask of a daemon
# (fake-manager), and what they make of its answers.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"
FAKE_MANAGER=$(realpath "$2")

# manager UNIT STATE WANTED LOCKED BOUND: one that has this by hand, each as JSON.
manager() {
    start_bus
    cat >description <<END
{"targets":[{"policy":"shop","unit":"shop.service"}],
 "by_hand":[{"unit":$1,"state":$2,"files":3,"files_locked":1,"wanted":$3,"held":$4,"locked":$4,
   "bound":$5,"problems":[]}]}
END
    start_manager description
}

# asked TEXT: what the manager was asked, its last line.
asked() {
    [ "$(tail -n 1 manager.out)" = "$1" ] || fail "asked: $(tail -n 1 manager.out), not: $1"
}

test_pin() {
    echo 12345 >a
    ln -s a link
    manager null '"settled"' 8192 8192 null
    run "$PAGEWARDEN" pin link
    expect_code 0
    expect_err ""
    expect_out "1 file, 6; by hand now: 3 files, 8K of 8K locked"
    asked "pin unit= usec=0 $PWD/a:6:r"
    run "$PAGEWARDEN" pin --for=90m --json=short ./a
    expect_code 0
    expect_json '. == {files: 1, bytes: 6, unit: null, unit_files: 3, unit_wanted: 8192,
        unit_locked: 8192, bound: null}'
    asked "pin unit= usec=5400000000 $PWD/a:6:r"
}

test_pin_for_a_unit() {
    echo 12345 >a
    manager '"shop.service"' '"settled"' 8192 8192 null
    run "$PAGEWARDEN" pin --unit=shop a
    expect_code 0
    expect_out_has "by hand for shop.service now: 3 files"
    asked "pin unit=shop.service usec=0 $PWD/a:6:r"
    run "$PAGEWARDEN" pin --unit=none.service a
    expect_code 1
    expect_err "no such unit is running"
}

test_pin_folders() {
    mkdir -p d/sub
    echo 1 >d/a
    echo 22 >d/sub/b
    : >d/empty
    manager null '"settled"' 1 1 null
    run "$PAGEWARDEN" pin d
    expect_code 1
    expect_err "pagewarden: d: is a folder (--recursive takes all files in it)"
    run "$PAGEWARDEN" pin -r d
    expect_code 0
    asked "pin unit= usec=0 $PWD/d/a:2:r $PWD/d/sub/b:3:r"
    printf 'd/a\0' >list
    run "$PAGEWARDEN" pin --files0-from=list
    asked "pin unit= usec=0 $PWD/d/a:2:r"
}

# dbus-daemon lets 16 descriptors through with a message.
test_pin_many() {
    mkdir d
    local i
    for ((i = 0; i < 40; i++)); do echo x >d/$i; done
    manager null '"settled"' 1 1 null
    run "$PAGEWARDEN" pin -r d
    expect_code 0
    expect_out_has "40 files, 80;"
    [ "$(grep -c '^pin ' manager.out)" = 3 ] || fail "not in three calls"
    [ "$(grep '^pin ' manager.out | head -n 1 | grep -o :r | wc -l)" = 16 ] || fail "not 16"
}

test_pin_that_fails() {
    echo 1 >a
    echo 1 >bad
    mkfifo fifo
    manager null '"settled"' 1 1 null
    run timeout 10 "$PAGEWARDEN" pin a bad missing fifo
    expect_code 1
    expect_err_has "pagewarden: $PWD/bad: is bad"
    expect_err_has "pagewarden: missing: No such file or directory"
    expect_err_has "pagewarden: fifo: is a FIFO"
    expect_out_has "1 file, "
}

test_pin_without_room() {
    echo 1 >a
    manager null '"settled"' 8192 4096 '"there is no room"'
    run "$PAGEWARDEN" pin a
    expect_code 1
    expect_out_has "4K of 8K locked"
    expect_err "pagewarden: pinned less than wanted: there is no room; the rest follows when there is room"
    sed -i 's/"settled"/"released"/' description # while memory is short
    run timeout 10 "$PAGEWARDEN" pin a
    expect_code 1
    expect_err "pagewarden: pinned less than wanted: there is no room; the rest follows when there is room"
    sed -i 's/"released"/"waiting"/; s/"there is no room"/null/' description
    run "$PAGEWARDEN" pin a
    expect_code 1
    expect_err "pagewarden: the holder of the pins is gone (journalctl -u pagewarden)"
}

test_pin_shows_progress() {
    echo 1 >a
    manager null '"pinning"' 8192 4096 null
    rm -f "$TEST_DIR/.typescript"
    (until_is grep -q "4K of 8K" "$TEST_DIR/.typescript" && sed -i 's/"pinning"/"settled"/' description) &
    TEST_PIDS+=($!)
    run_terminal "$PAGEWARDEN" pin a
    expect_code 0
    expect_out_has "4K of 8K, 1 of 3 files"
}

test_unpin() {
    echo 1 >a
    echo 1 >bad
    mkdir d
    echo 1 >d/b
    manager null '"settled"' 1 1 null
    run "$PAGEWARDEN" unpin a ./missing
    expect_code 0
    expect_out "2 files no longer pinned by hand"
    asked "unpin unit= all=0 a:$(stat -c %i a) $PWD/missing:0"
    run "$PAGEWARDEN" unpin --unit=shop bad
    expect_code 1
    expect_err "pagewarden: bad: is not pinned by hand for shop.service"
    run "$PAGEWARDEN" unpin -r d
    expect_code 0
    asked "unpin unit= all=0 d/b:$(stat -c %i d/b)"
    run "$PAGEWARDEN" unpin d
    expect_code 1
    expect_err_has "d: is a folder"
    run "$PAGEWARDEN" unpin --all
    expect_code 0
    expect_out "7 files no longer pinned by hand"
    asked "unpin unit= all=1"
    run "$PAGEWARDEN" unpin --unit=shop
    asked "unpin unit=shop.service all=1"
}

test_pins() {
    manager null '"settled"' 1 1 null
    export TZ=UTC
    run "$PAGEWARDEN" pins
    expect_code 0
    expect_err ""
    expect_out 'UNIT         BY             SINCE               UNTIL               SIZE LOCKED PATH
–            by hand (root) 2023-11-14 22:13:20 2023-11-14 23:13:20   8K     4K /srv/\x1b[2J
shop.service by hand        –                   –                      1      1 0:1 inode 3
shop.service by hand (root) 2023-11-14 22:13:20 –                     4K     4K /srv/b
shop.service shop           2023-11-14 22:13:20 –                    12K     8K 8:1 inode 42
                                                                     24K    16K total (4 files)'
    run "$PAGEWARDEN" pins --unit=shop --no-legend -b
    expect_out_has "12288"
    expect_out_lacks "x1b"
    expect_out_lacks "total"
    run "$PAGEWARDEN" pins --json=short
    expect_json '.pins | length == 4'
    expect_json '.pins[0] == {path: "/srv/\u001b[2J", device: 1, inode: 2, unit: null, policy: null,
        user: 0, since_usec: 1700000000000000, until_usec: 1700003600000000, size: 8192, locked: 4096}'
    expect_json '.pins[3] | .path == null and .policy == "shop" and .user == null and
        .since_usec == 1700000000000000 and .until_usec == null and .locked == 8192'
}

test_wrong_usage() {
    no_bus() { export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$TEST_DIR/no-such-socket; }
    no_bus
    echo 1 >a
    local time
    for time in 5 0s soon; do
        run "$PAGEWARDEN" pin --for=$time a
        expect_code 2
        expect_err "pagewarden: pin: --for takes a time: 30m, 2h, 1d"
    done
    run "$PAGEWARDEN" pin --unit=a/b a
    expect_code 2
    expect_err "pagewarden: pin: --unit takes a unit's name: shop.service"
    run "$PAGEWARDEN" pin
    expect_code 2
    expect_err "pagewarden: pin: which files?"
    run "$PAGEWARDEN" unpin
    expect_code 2
    expect_err "pagewarden: unpin: which files? (--all: all)"
    run "$PAGEWARDEN" unpin --all a
    expect_code 2
    expect_err "pagewarden: unpin: --all takes no files"
    run "$PAGEWARDEN" pins a
    expect_code 2
    expect_err "pagewarden: pins takes no arguments"
    run "$PAGEWARDEN" pin --files0-from=missing
    expect_code 1
    expect_err "pagewarden: missing: No such file or directory"
    for verb in "pin --for" "unpin --unit" "pins --unit"; do
        # shellcheck disable=SC2086
        run "$PAGEWARDEN" $verb
        expect_code 2
        expect_err "pagewarden: ${verb% *}: ${verb#* } takes a value"
    done
    for verb in pin unpin pins; do
        run "$PAGEWARDEN" $verb --unit=
        expect_code 2
        expect_err "pagewarden: $verb: --unit takes a unit's name: shop.service"
        run "$PAGEWARDEN" $verb --lock
        expect_code 2
        expect_err "pagewarden: $verb: unknown option \"--lock\" (see pagewarden $verb --help)"
    done
    for verb in "pin a" pins; do
        # shellcheck disable=SC2086
        run "$PAGEWARDEN" $verb --json=yes
        expect_code 2
        expect_err "pagewarden: --json takes pretty, short or off"
    done
    for verb in "pin a" "unpin a" pins; do
        # shellcheck disable=SC2086
        run "$PAGEWARDEN" $verb
        expect_code 1
        expect_err "there is no system bus here (is dbus running?)"
    done
}

tests pin pin_for_a_unit pin_folders pin_many pin_that_fails pin_without_room pin_shows_progress \
    unpin pins wrong_usage
