#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden list-policies`: one policy of each state.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"

installed() {
    mkdir -p c/policies.d/shop.yaml.d c/policies.d/lost.yaml.d
    cat >c/policies.d/shop.yaml <<'END'
version: 1
description: The shop
match: {units: ["{a,b,c,d}.service", shop.slice]}
role: critical
END
    printf 'mode: observe\n' >c/policies.d/shop.yaml.d/quiet.yaml
    printf 'mode: observe\n' >c/policies.d/lost.yaml.d/x.yaml
    printf 'version: 1\nrole: critcal\nmatch: {units: [x.service]}\n' >c/policies.d/bad.yaml
    printf 'version: 1\nmatch: {units: [log.service]}\nrole: background\n' >c/policies.d/log.yaml
    ln -s /dev/null c/policies.d/off.yaml
}

test_table() {
    installed
    run "$PAGEWARDEN" list-policies --config c
    expect_code 0
    expect_err ""
    expect_out 'NAME STATE    ROLE       MODE    MATCH                                       DROP-INS FILE
bad  refused  –          –       –                                                  – c/policies.d/bad.yaml
log  in force background enforce log.service                                        0 c/policies.d/log.yaml
lost missing  –          –       –                                                  – c/policies.d/lost.yaml.d
off  masked   –          –       –                                                  0 c/policies.d/off.yaml
shop in force critical   observe a.service, b.service, c.service, and 2 more        1 c/policies.d/shop.yaml'
    run "$PAGEWARDEN" list-policies --no-legend --config c
    expect_out_lacks NAME
    expect_out_has shop
    LC_ALL=C run "$PAGEWARDEN" list-policies --config c
    expect_out_lacks –
    ! LC_ALL=C grep -q '[^ -~]' "$TEST_DIR/.out" || fail "more than ASCII"
}

test_none() {
    mkdir c
    run "$PAGEWARDEN" list-policies --config c
    expect_code 0
    expect_out "There are no policies."
    run "$PAGEWARDEN" list-policies --no-legend --config c
    expect_code 0
    expect_out ""
    run "$PAGEWARDEN" list-policies --json=short --config c
    expect_code 0
    expect_json '. == {policies: [], folders: {diagnostics: [], more: 0}}'
}

test_names_that_are_passed_over() {
    installed
    touch c/policies.d/x.yml
    run "$PAGEWARDEN" list-policies --config c
    expect_code 0
    expect_out_has c/policies.d/shop.yaml
    expect_err 'c/policies.d/x.yml: warning: is passed over (policies end in .yaml)'
}

test_json() {
    installed
    run "$PAGEWARDEN" list-policies --json=short --config c
    expect_code 0
    expect_json '[.policies[].state] == ["refused", "in force", "missing", "masked", "in force"]'
    expect_json '.policies[0] == {name: "bad", state: "refused", description: null, role: null,
        mode: null, units: [], cgroups: [], file: "c/policies.d/bad.yaml", dropins: null}'
    expect_json '.policies[4] == {name: "shop", state: "in force", description: "The shop",
        role: "critical", mode: "observe", cgroups: [], file: "c/policies.d/shop.yaml",
        units: ["a.service", "b.service", "c.service", "d.service", "shop.slice"],
        dropins: ["c/policies.d/shop.yaml.d/quiet.yaml"]}'
    run "$PAGEWARDEN" list-policies --json=pretty --config c
    expect_json '.policies | length == 5'
}

test_image() {
    installed
    mkdir -p image/run
    mv c image/run/pagewarden
    run "$PAGEWARDEN" list-policies --root image --json=short
    expect_code 0
    expect_json '.policies[1].file == "image/run/pagewarden/policies.d/log.yaml"'
    run "$PAGEWARDEN" list-policies --root image/nowhere
    expect_code 1
    expect_out ""
    expect_err "image/nowhere: No such file or directory"
    run "$PAGEWARDEN" list-policies --root image/nowhere --json=short
    expect_code 1
    expect_json '. == {policies: [], folders: {more: 0, diagnostics: [{severity: "mistake",
        file: "image/nowhere", line: null, column: null, message: "No such file or directory"}]}}'
}

test_unreadable() {
    skip_unless_root || return
    installed
    mkdir -p d/policies.d
    chmod 700 d/policies.d
    run as_nobody ./pagewarden list-policies --config c --config d
    expect_code 1
    expect_out_has "c/policies.d/log.yaml"
    expect_err "d/policies.d: Permission denied"
    run as_nobody ./pagewarden list-policies --config d
    expect_code 1
    expect_out_lacks "There are no policies."
    expect_err "d/policies.d: Permission denied"
}

test_hostile_names() {
    installed
    cp c/policies.d/log.yaml c/policies.d/$'esc\e[2J.yaml'
    cp c/policies.d/log.yaml c/policies.d/$'latin\xe9.yaml'
    run "$PAGEWARDEN" list-policies --config c
    expect_out_has 'esc\x1b[2J '
    expect_out_has 'latin\xe9 '
    ! grep -q $'\e' "$TEST_DIR/.out" || fail "an escape sequence came through"
    run "$PAGEWARDEN" list-policies --json=short --config c
    expect_json '[.policies[].name] | contains(["esc\u001b[2J", "latin\\xe9"])'
}

test_nobody_reads_on() {
    installed
    run_closed "$PAGEWARDEN" list-policies --config c
    expect_code 141 # SIGPIPE
    expect_err ""
}

tests table none names_that_are_passed_over json image unreadable hostile_names nobody_reads_on
