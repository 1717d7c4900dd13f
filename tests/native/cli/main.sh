#!/bin/bash
# SPDX-License-Identifier: MIT
# The command line itself: help, version, misspelt verbs, exit codes.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"

test_help_fits_a_screen() {
    local verb
    for verb in "" status inspect who files pins pin unpin warm evict verify cat-config list-policies plan record simulate \
        release reload pause resume; do
        run "$PAGEWARDEN" ${verb:+"$verb"} --help
        expect_code 0
        expect_err ""
        expect_out_has "pagewarden "
        [ "$(wc -l <"$TEST_DIR/.out")" -le 24 ] || fail "$verb: more than 24 lines"
        [ "$(wc -L <"$TEST_DIR/.out")" -le 100 ] || fail "$verb: lines over 100 columns"
    done
}

test_version() {
    run "$PAGEWARDEN" --version
    expect_code 0
    case $out in "pagewarden "[0-9]*.[0-9]*) ;; *) fail "no version" ;; esac
}

test_no_verb() {
    run "$PAGEWARDEN"
    expect_code 2
    expect_err_has "no verb"
}

test_unknown_verb() {
    run "$PAGEWARDEN" stauts
    expect_code 2
    expect_err 'pagewarden: unknown verb "stauts" (did you mean "status"?)'
    run "$PAGEWARDEN" frobnicate
    expect_code 2
    expect_err 'pagewarden: unknown verb "frobnicate" (see pagewarden --help)'
    run "$PAGEWARDEN" $'a\e[31m'
    expect_code 2
    expect_err_has '"a\x1b[31m"'
}

test_unknown_option() {
    local verb
    run "$PAGEWARDEN" --frobnicate
    expect_code 2
    expect_err 'pagewarden: unknown option "--frobnicate" (see pagewarden --help)'
    for verb in status inspect pins pin unpin warm verify cat-config list-policies plan reload; do
        run "$PAGEWARDEN" "$verb" --frobnicate
        expect_code 2
        expect_err "pagewarden: $verb: unknown option \"--frobnicate\" (see pagewarden $verb --help)"
    done
    run "$PAGEWARDEN" -V
    expect_code 2
    expect_err 'pagewarden: unknown option "-V" (see pagewarden --help)'
    run "$PAGEWARDEN" verify file -qx
    expect_code 2
    expect_err 'pagewarden: verify: unknown option "-x" (see pagewarden verify --help)'
    run "$PAGEWARDEN" verify $'--a\e[31m'
    expect_code 2
    expect_err 'pagewarden: verify: unknown option "--a\x1b[31m" (see pagewarden verify --help)'
    run "$PAGEWARDEN" verify --ram
    expect_code 2
    expect_err 'pagewarden: verify: --ram takes a value'
    run "$PAGEWARDEN" verify --help=x
    expect_code 2
    expect_err 'pagewarden: verify: --help takes no value'
    run "$PAGEWARDEN" --version=x
    expect_code 2
    expect_err 'pagewarden: --version takes no value'
}

test_json_modes() {
    run "$PAGEWARDEN" inspect --json=yes .
    expect_code 2
    expect_err_has "pretty, short or off"
    run "$PAGEWARDEN" status --json
    expect_code 2
    local verb
    for verb in verify cat-config list-policies; do
        run "$PAGEWARDEN" "$verb" --json=yes
        expect_code 2
        expect_err "pagewarden: --json takes pretty, short or off"
    done
}

test_arguments() {
    run "$PAGEWARDEN" inspect
    expect_code 2
    run "$PAGEWARDEN" list-policies x
    expect_code 2
    expect_err "pagewarden: list-policies takes no arguments"
    run "$PAGEWARDEN" status x
    expect_code 2
    run "$PAGEWARDEN" reload x
    expect_code 2
}

# A full disk must not look like success.
test_full_disk() {
    "$PAGEWARDEN" --help >/dev/full 2>err && fail "--help: success on a full disk"
    grep -q "cannot write" err || fail "--help: no message"
    echo x >file
    "$PAGEWARDEN" inspect file >/dev/full 2>err && fail "inspect: success on a full disk"
    grep -q "cannot write" err || fail "inspect: no message"
    local verb
    for verb in verify cat-config list-policies; do
        "$PAGEWARDEN" "$verb" --json=short --config . >/dev/full 2>err &&
            fail "$verb: success on a full disk"
        grep -q "cannot write" err || fail "$verb: no message"
    done
}

tests help_fits_a_screen version no_verb unknown_verb unknown_option json_modes arguments full_disk
