#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden verify` on files: the mistakes of a policy's text are tested with the decoder; here it
# is that they are printed where people and editors look for them, and what is no policy at all.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"

good_policy() {
    cat <<'END'
version: 1
description: The shop keeps its catalog in memory
match:
  units: ["shop.service"]
role: critical
pin:
  budget: 1M
  files:
    - path: /srv/shop/*
END
}

bad_policy() {
    good_policy | sed 's/critical/critcal/; s/budget/bugdet/'
}

test_good() {
    good_policy >shop.yaml
    run "$PAGEWARDEN" verify shop.yaml
    expect_code 0
    expect_out ""
    expect_err ""
}

test_every_mistake_has_its_place() {
    bad_policy >shop.yaml
    run "$PAGEWARDEN" verify shop.yaml
    expect_code 1
    expect_out ""
    expect_err_has 'shop.yaml:5:7: unknown role "critcal" (did you mean "critical"?)'
    expect_err_has 'shop.yaml:7:3: unknown key "bugdet" in pin (did you mean "budget"?)'
    ! grep -Evq '^shop\.yaml:[0-9]+:[0-9]+: ' "$TEST_DIR/.err" || fail "a line without a place"
}

# One bad file does not hide another, nor does a good one hide them.
test_several_files() {
    good_policy >good.yaml
    bad_policy >bad.yaml
    run "$PAGEWARDEN" verify bad.yaml missing.yaml good.yaml ./bad.yaml
    expect_code 1
    expect_err_has 'missing.yaml: No such file or directory'
    [ "$(grep -c '^bad.yaml:5:7:' "$TEST_DIR/.err")" = 1 ] || fail "bad.yaml is not there once"
    [ "$(grep -c '^\./bad.yaml:5:7:' "$TEST_DIR/.err")" = 1 ] || fail "./bad.yaml is not there once"
    ! grep -q '^good' "$TEST_DIR/.err" || fail "good.yaml is blamed"
    run "$PAGEWARDEN" verify good.yaml bad.yaml
    expect_code 1
    run "$PAGEWARDEN" verify good.yaml good.yaml
    expect_code 0
}

# verify_stdin COMMAND…: what it prints is the policy.
verify_stdin() {
    "$@" | "$PAGEWARDEN" verify -
}

test_standard_input() {
    run verify_stdin good_policy
    expect_code 0
    expect_err ""
    run verify_stdin bad_policy
    expect_code 1
    expect_err_has '<stdin>:5:7: unknown role'
    run verify_stdin head -c 1100000 /dev/zero
    expect_code 1
    expect_err '<stdin>: larger than 1 MiB, which is the most that a policy may have'
    run "$PAGEWARDEN" verify -
    expect_code 1
    expect_err_has '<stdin>'
}

test_what_is_no_file() {
    mkdir folder
    mkfifo fifo
    run timeout 10 "$PAGEWARDEN" verify folder fifo /dev/null missing
    expect_code 1
    expect_err 'folder: is a folder (name the files in it)
fifo: not a regular file
/dev/null: not a regular file
missing: No such file or directory'
}

test_too_large() {
    { good_policy; head -c 1048576 /dev/zero | tr '\0' '#'; } >large.yaml
    run "$PAGEWARDEN" verify large.yaml
    expect_code 1
    expect_err 'large.yaml: larger than 1 MiB, which is the most that a policy may have'
}

test_empty() {
    : >empty.yaml
    run "$PAGEWARDEN" verify empty.yaml
    expect_code 1
    expect_err_has 'empty.yaml'
}

test_unreadable() {
    if [ "$(id -u)" != 0 ]; then
        TEST_SKIP="not root"
        return
    fi
    good_policy >closed.yaml
    chmod 600 closed.yaml
    chmod 755 "$TEST_DIR" .
    cp "$PAGEWARDEN" pagewarden
    chmod 755 pagewarden
    run setpriv --reuid=65534 --regid=65534 --clear-groups ./pagewarden verify closed.yaml
    expect_code 1
    expect_err 'closed.yaml: Permission denied'
}

test_hostile_names_and_texts() {
    bad_policy >$'a\e[2J.yaml'
    run "$PAGEWARDEN" verify $'a\e[2J.yaml'
    expect_code 1
    expect_err_has 'a\x1b[2J.yaml:5:7: '
    good_policy | sed $'s/critical/"a\xc2\x9b2J"/' >b.yaml
    run "$PAGEWARDEN" verify b.yaml
    expect_code 1
    expect_err_has 'b.yaml:5:9: '
    ! grep -q $'\x9b\|\e' "$TEST_DIR/.err" || fail "a control character came through"
}

# No daemon, no bus, no control groups are needed.
test_works_offline() {
    good_policy >shop.yaml
    DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent run "$PAGEWARDEN" verify shop.yaml
    expect_code 0
}

tests good every_mistake_has_its_place several_files standard_input what_is_no_file too_large empty \
    unreadable hostile_names_and_texts works_offline
