#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden cat-config`: how texts are quoted is tested with what shows them; here it is what is
# shown of a tree of files, what is said of the rest, and that it can be read back.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# A folder c with settings, two policies, one of them with drop-ins, and a masked one.
installed() {
    mkdir -p c/policies.d/shop.yaml.d d/policies.d/shop.yaml.d
    printf 'version: 1\ninterval: 2s\n' >c/pagewarden.yaml
    cat >c/policies.d/shop.yaml <<'END'
# The shop.
version: 1
description: "The shop: its catalog" # in memory
match: {units: ["shop@*.service"]}
pin: {budget: 1M, files: [{path: /etc/passwd}]}
END
    printf 'pin: {budget: 2M}\n' >c/policies.d/shop.yaml.d/20-more.yaml
    printf 'mode: observe\n' >d/policies.d/shop.yaml.d/10-quiet.yaml
    printf 'version: 1\nmatch: {units: [a.service]}\n' >c/policies.d/a.yaml
    ln -s /dev/null c/policies.d/off.yaml
}

A='# a: c/policies.d/a.yaml
version: 1       # c/policies.d/a.yaml:1
match:           # c/policies.d/a.yaml:2
  units:         # c/policies.d/a.yaml:2
    - a.service  # c/policies.d/a.yaml:2'
SETTINGS='# pagewarden: c/pagewarden.yaml
version: 1    # c/pagewarden.yaml:1
interval: 2s  # c/pagewarden.yaml:2'
SHOP='# shop: c/policies.d/shop.yaml
#   + d/policies.d/shop.yaml.d/10-quiet.yaml
#   + c/policies.d/shop.yaml.d/20-more.yaml
version: 1                            # c/policies.d/shop.yaml:2
description: "The shop: its catalog"  # c/policies.d/shop.yaml:3
match:                                # c/policies.d/shop.yaml:4
  units:                              # c/policies.d/shop.yaml:4
    - shop@*.service                  # c/policies.d/shop.yaml:4
pin:                                  # c/policies.d/shop.yaml:5
  budget: 2M                          # c/policies.d/shop.yaml.d/20-more.yaml:1
  files:                              # c/policies.d/shop.yaml:5
    - path: /etc/passwd               # c/policies.d/shop.yaml:5
mode: observe                         # d/policies.d/shop.yaml.d/10-quiet.yaml:1'
MASKED='pagewarden: "off" is masked by c/policies.d/off.yaml'

test_everything() {
    installed
    run "$PAGEWARDEN" cat-config --config c --config d
    expect_code 0
    expect_out "$SETTINGS
---
$A
---
$SHOP"
    expect_err "$MASKED"
}

test_by_name() {
    installed
    run "$PAGEWARDEN" cat-config --config c --config d shop
    expect_code 0
    expect_out "$SHOP"
    expect_err ""
    run "$PAGEWARDEN" cat-config --config c a pagewarden
    expect_code 0
    expect_out "$A
---
$SETTINGS"
    run "$PAGEWARDEN" cat-config --config c off a
    expect_code 1
    expect_out "$A"
    expect_err "$MASKED"
}

test_a_policy_with_the_name_of_the_settings() {
    installed
    cp c/policies.d/a.yaml c/policies.d/pagewarden.yaml
    run "$PAGEWARDEN" cat-config --config c pagewarden
    expect_code 0
    expect_out_has "$SETTINGS
---
# pagewarden: c/policies.d/pagewarden.yaml
version: 1 "
}

test_reads_back() {
    installed
    "$PAGEWARDEN" cat-config --config c --config d shop >again.yaml || fail "cannot be shown"
    run "$PAGEWARDEN" verify --strict again.yaml
    expect_code 0
    expect_err ""
    mkdir -p e/policies.d
    cp again.yaml e/policies.d/shop.yaml
    run "$PAGEWARDEN" cat-config --config e shop
    [ "$(sed 's/ *# .*//' again.yaml | tail -n +4)" = "$(sed 's/ *# .*//' <<<"$out" | tail -n +2)" ] ||
        fail "what is shown of what was shown differs"
}

test_unknown_name() {
    installed
    run "$PAGEWARDEN" cat-config --config c shpo
    expect_code 1
    expect_out ""
    expect_err 'pagewarden: there is no policy "shpo" (did you mean "shop"?)'
    run "$PAGEWARDEN" cat-config --config c frobnicate a
    expect_code 1
    expect_out "$A"
    expect_err 'pagewarden: there is no policy "frobnicate" (see pagewarden list-policies)'
    run "$PAGEWARDEN" cat-config --config c $'x\e[2J'
    expect_err_has '"x\x1b[2J"'
}

test_refused() {
    installed
    echo 'role: critcal' >>c/policies.d/a.yaml
    echo 'intervall: 1s' >>c/pagewarden.yaml
    run "$PAGEWARDEN" cat-config --config c --config d
    expect_code 1
    expect_out "$SHOP"
    expect_err "pagewarden: \"pagewarden\" is refused:
c/pagewarden.yaml:3:1: unknown key \"intervall\" (did you mean \"interval\"?)
pagewarden: \"a\" is refused:
c/policies.d/a.yaml:3:7: unknown role \"critcal\" (did you mean \"critical\"?)
$MASKED"
    run "$PAGEWARDEN" cat-config --config c a
    expect_code 1
    expect_out ""
}

test_missing() {
    installed
    rm c/policies.d/shop.yaml
    run "$PAGEWARDEN" cat-config --config c shop
    expect_code 1
    expect_out ""
    expect_err 'pagewarden: "shop" is missing, and only has drop-ins, in c/policies.d/shop.yaml.d'
    run "$PAGEWARDEN" cat-config --config c
    expect_code 0
}

test_no_settings() {
    mkdir c
    run "$PAGEWARDEN" cat-config --config c
    expect_code 0
    expect_out '# pagewarden: no file, all settings are the defaults'
    expect_err ""
    ln -s /dev/null c/pagewarden.yaml
    run "$PAGEWARDEN" cat-config --config c
    expect_code 0
    expect_out ""
    expect_err 'pagewarden: "pagewarden" is masked by c/pagewarden.yaml'
}

test_image() {
    installed
    mkdir -p image/usr/lib
    mv c image/usr/lib/pagewarden
    run "$PAGEWARDEN" cat-config --root image a
    expect_code 0
    expect_out "${A//c\/policies/image\/usr\/lib\/pagewarden\/policies}"
    run "$PAGEWARDEN" cat-config --root image/nowhere
    expect_code 1
    expect_out ""
    expect_err "image/nowhere: No such file or directory"
}

test_unreadable() {
    skip_unless_root || return
    installed
    chmod 700 d/policies.d
    run as_nobody ./pagewarden cat-config --config c --config d a
    expect_code 1
    expect_out "$A"
    expect_err "d/policies.d: Permission denied"
    chmod 600 c/policies.d/a.yaml
    run as_nobody ./pagewarden cat-config --config c a
    expect_code 1
    expect_err 'pagewarden: "a" is refused:
c/policies.d/a.yaml: Permission denied'
}

test_memory_of_another_machine() {
    installed
    run "$PAGEWARDEN" cat-config --ram 1M --config c shop
    expect_code 1
    expect_err_has 'pagewarden: "shop" is refused:'
    run "$PAGEWARDEN" cat-config --ram 1x --config c shop
    expect_code 2
    expect_err 'pagewarden: --ram takes a size, such as 16G'
}

test_json() {
    installed
    run "$PAGEWARDEN" cat-config --json=short --config c --config d
    expect_code 0
    expect_err "$MASKED"
    expect_json '[.entries[] | [.kind, .name]] ==
        [["settings", "pagewarden"], ["policy", "a"], ["policy", "shop"]]'
    expect_json '.entries[2].files == ["c/policies.d/shop.yaml",
        "d/policies.d/shop.yaml.d/10-quiet.yaml", "c/policies.d/shop.yaml.d/20-more.yaml"]'
    expect_json '.entries[2].config | (keys == ["description", "match", "mode", "pin", "version"]) and
        .mode == {value: "observe", file: "d/policies.d/shop.yaml.d/10-quiet.yaml", line: 1} and
        .match.value.units.value[0].value == "shop@*.service" and .pin.line == 5 and
        .pin.value.budget.line == 1'
    mkdir -p none/policies.d
    run "$PAGEWARDEN" cat-config --json=pretty --config none
    expect_json '.entries == [{kind: "settings", name: "pagewarden", files: [], config: {}}]'
    run "$PAGEWARDEN" cat-config --json=short --config none x
    expect_code 1
    expect_json '.entries == []'
}

test_nobody_reads_on() {
    installed
    run_closed "$PAGEWARDEN" cat-config --config c
    expect_code 141 # SIGPIPE
    expect_err "$MASKED"
    run_closed env --ignore-signal=PIPE "$PAGEWARDEN" cat-config --config c a
    expect_code 1
    expect_err "pagewarden: cannot write: Broken pipe"
}

tests everything by_name a_policy_with_the_name_of_the_settings reads_back unknown_name refused missing \
    no_settings image unreadable memory_of_another_machine json nobody_reads_on
