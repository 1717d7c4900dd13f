#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden verify`: the mistakes of a policy's text are tested with the decoder, finding what is
# installed with the config layer; here it is that they are printed where people and editors look for
# them, and what is no policy at all.
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
    - path: /etc/passwd
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
    expect_err '<stdin>: larger than 1 MiB (a page of text is plenty)'
    run "$PAGEWARDEN" verify -
    expect_code 1
    expect_err_has '<stdin>'
}

test_what_is_no_file() {
    mkdir folder
    mkfifo fifo
    ln -s nowhere link
    run timeout 10 "$PAGEWARDEN" verify folder fifo /dev/null missing link
    expect_code 1
    expect_err 'folder: a folder, not a file
fifo: not a regular file (- is standard input)
/dev/null: not a regular file (- is standard input)
missing: No such file or directory
link: a symbolic link to nothing'
    run "$PAGEWARDEN" verify ""
    expect_code 1
    expect_err '"": No such file or directory'
    run "$PAGEWARDEN" verify /dev/stdin
    expect_code 1
    expect_err '/dev/stdin: not a regular file (- is standard input)'
}

test_masks_that_are_named() {
    mkdir -p policies.d
    good_policy >policies.d/shop.yaml
    ln -s /dev/null policies.d/off.yaml
    ln -s /dev/null pagewarden.yaml
    ln -s /dev/null link
    run "$PAGEWARDEN" verify --strict policies.d/*.yaml pagewarden.yaml
    expect_code 0
    expect_err 'policies.d/off.yaml: note: the policy is masked
pagewarden.yaml: note: the settings are masked: the defaults hold'
    run "$PAGEWARDEN" verify --json=short policies.d/off.yaml
    expect_code 0
    expect_json '.entries[0] | .name == "off" and .state == "masked"'
    run "$PAGEWARDEN" verify link
    expect_code 1
    expect_err 'link: not a regular file'
}

test_drop_ins_are_no_policies() {
    mkdir -p policies.d/{web,pagewarden}.yaml.d pagewarden.yaml.d .yaml.d
    echo 'mode: observe' | tee policies.d/{web,pagewarden}.yaml.d/1.yaml >pagewarden.yaml.d/1.yaml
    good_policy >.yaml.d/shop.yaml
    run "$PAGEWARDEN" verify policies.d/{web,pagewarden}.yaml.d/1.yaml pagewarden.yaml.d/1.yaml \
        "$PWD/pagewarden.yaml.d/pagewarden.yaml" .yaml.d/shop.yaml
    expect_code 1
    local with='is a drop-in (pagewarden verify without a file checks it with'
    expect_err "policies.d/web.yaml.d/1.yaml: $with its policy)
policies.d/pagewarden.yaml.d/1.yaml: $with its policy)
pagewarden.yaml.d/1.yaml: $with the settings)
$PWD/pagewarden.yaml.d/pagewarden.yaml: $with the settings)"
    run "$PAGEWARDEN" verify --json=short policies.d/web.yaml.d/1.yaml
    expect_code 1
    expect_json '.entries[0] | .kind == "policy" and .name == "web" and .state == "refused"'
}

test_masked_settings() {
    mkdir -p c/policies.d
    ln -s /dev/null c/pagewarden.yaml
    run "$PAGEWARDEN" verify --strict --config c
    expect_code 0
    expect_err 'c/pagewarden.yaml: note: the settings are masked: the defaults hold'
    run "$PAGEWARDEN" verify -q --config c
    expect_code 0
    expect_err ""
}

test_too_large() {
    { good_policy; head -c 1048576 /dev/zero | tr '\0' '#'; } >large.yaml
    run "$PAGEWARDEN" verify large.yaml
    expect_code 1
    expect_err 'large.yaml: larger than 1 MiB (a page of text is plenty)'
}

test_empty() {
    : >empty.yaml
    run "$PAGEWARDEN" verify empty.yaml
    expect_code 1
    expect_err_has 'empty.yaml'
}

test_unreadable() {
    skip_unless_root || return
    good_policy >closed.yaml
    chmod 600 closed.yaml
    run as_nobody ./pagewarden verify closed.yaml
    expect_code 1
    expect_err 'closed.yaml: Permission denied'
    mkdir -p c/policies.d
    good_policy >c/policies.d/shop.yaml
    chmod 700 c/policies.d
    run as_nobody ./pagewarden verify --config c
    expect_code 1
    expect_err 'c/policies.d: Permission denied'
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

# installed: a folder c with settings, a good policy with a drop-in, a masked one, and drop-ins of none.
installed() {
    mkdir -p c/policies.d/shop.yaml.d c/policies.d/lost.yaml.d
    printf 'version: 1\ninterval: 2s\n' >c/pagewarden.yaml
    good_policy >c/policies.d/shop.yaml
    printf 'version: 1\npin: {budget: 2M}\n' >c/policies.d/shop.yaml.d/more.yaml
    printf 'version: 1\n' >c/policies.d/lost.yaml.d/x.yaml
    ln -s /dev/null c/policies.d/off.yaml
}

LOST='c/policies.d/lost.yaml.d: warning: there is no policy "lost" to merge these drop-ins into'

test_all_that_is_installed() {
    installed
    run "$PAGEWARDEN" verify --config c
    expect_code 0
    expect_out ""
    expect_err "$LOST"
    printf 'version: 1\npin: {budget: 2X}\n' >c/policies.d/shop.yaml.d/more.yaml
    printf 'version: 1\nintervall: 2s\n' >c/pagewarden.yaml
    bad_policy >c/policies.d/bad.yaml
    run "$PAGEWARDEN" verify --config c
    expect_code 1
    expect_out ""
    expect_err_has 'c/pagewarden.yaml:2:1: unknown key "intervall" (did you mean "interval"?)'
    expect_err_has 'c/policies.d/bad.yaml:5:7: unknown role "critcal" (did you mean "critical"?)'
    expect_err_has 'c/policies.d/shop.yaml.d/more.yaml:2:15: '
    expect_err_has "$LOST"
    run "$PAGEWARDEN" verify --config c/nowhere
    expect_code 1
    expect_err 'c/nowhere: No such file or directory'
}

# Neither is bad unless it is asked for.
test_likely_slips() {
    mkdir -p c/pagewarden.yaml.d c/policies.d/shop.yaml.d c/policies.d/q.d
    good_policy | tee c/policies.d/{shop,web}.yaml >c/policies.d/x.yml
    touch c/pagewarden.yaml.d/1.yml c/policies.d/shop.yaml.d/10.conf c/policies.d/shop.yaml~
    run "$PAGEWARDEN" verify --config c
    expect_code 0
    expect_out ""
    expect_err 'c/policies.d/q.d: warning: is passed over (drop-ins of a policy are in NAME.yaml.d)
c/policies.d/x.yml: warning: is passed over (policies end in .yaml)
c/policies.d/shop.yaml.d/10.conf: warning: is passed over (drop-ins end in .yaml)
c/pagewarden.yaml.d/1.yml: warning: is passed over (drop-ins end in .yaml)
c/policies.d/web.yaml: warning: policy "shop" matches "shop.service" as well and comes first by name: it governs those units'
    run "$PAGEWARDEN" verify --strict --config c
    expect_code 1
    run "$PAGEWARDEN" verify --quiet --config c
    expect_code 0
    expect_err ""
    run "$PAGEWARDEN" verify --json=short --config c
    expect_code 0
    expect_json '.entries[0] | .kind == "folders" and .state == "in force" and
        .files[1] == "c/policies.d/x.yml" and .diagnostics[1] == {severity: "warning",
        file: "c/policies.d/x.yml", line: null, column: null,
        message: "is passed over (policies end in .yaml)"}'
}

test_the_first_folder_wins() {
    mkdir -p a/policies.d b/policies.d
    good_policy >a/policies.d/shop.yaml
    bad_policy >b/policies.d/shop.yaml
    run "$PAGEWARDEN" verify --config a --config b
    expect_code 0
    run "$PAGEWARDEN" verify --config b --config a
    expect_code 1
    expect_err_has 'b/policies.d/shop.yaml:5:7: '
}

test_warnings_are_bad_where_asked() {
    installed
    run "$PAGEWARDEN" verify --strict --config c
    expect_code 1
    expect_err "$LOST"
    run "$PAGEWARDEN" verify --quiet --config c
    expect_code 0
    expect_err ""
    run "$PAGEWARDEN" verify -q --strict --config c
    expect_code 1
    expect_err "$LOST"
    bad_policy >c/policies.d/bad.yaml
    run "$PAGEWARDEN" verify -q --config c
    expect_code 1
    expect_err_has 'c/policies.d/bad.yaml:5:7: '
    [ "$(wc -l <"$TEST_DIR/.err")" = 2 ] || fail "more than mistakes"
}

test_image() {
    mkdir -p image/etc/pagewarden/policies.d image/srv
    good_policy | sed 's|/etc/passwd|/srv/*.db|' >image/etc/pagewarden/policies.d/shop.yaml
    run "$PAGEWARDEN" verify --root image
    expect_code 0
    expect_err 'image/etc/pagewarden/policies.d/shop.yaml:9:13: note: "/srv/*.db" matches no file'
    touch image/srv/a.db
    run "$PAGEWARDEN" verify --root "$PWD/image/"
    expect_code 0
    expect_err ""
    run "$PAGEWARDEN" verify --root image/nowhere
    expect_code 1
    expect_err 'image/nowhere: No such file or directory'
    mkdir -p image/opt/policies.d
    bad_policy >image/opt/policies.d/bad.yaml
    run "$PAGEWARDEN" verify --root image --config /opt
    expect_code 1
    expect_err_has 'image/opt/policies.d/bad.yaml:5:7: '
}

test_memory_of_another_machine() {
    good_policy | sed 's/1M/512M/' >shop.yaml
    run "$PAGEWARDEN" verify --ram 256M shop.yaml
    expect_code 1
    expect_err_has 'shop.yaml:7:11: '
    run "$PAGEWARDEN" verify --ram 1G shop.yaml
    expect_code 0
    local size
    for size in x 0 10% -1 ""; do
        run "$PAGEWARDEN" verify --ram "$size" shop.yaml
        expect_code 2
        expect_err 'pagewarden: --ram takes a size, such as 16G'
    done
}

test_settings_as_a_file() {
    mkdir policies.d
    printf 'version: 1\nintervall: 2s\n' >pagewarden.yaml
    good_policy >policies.d/pagewarden.yaml
    run "$PAGEWARDEN" verify pagewarden.yaml "$PWD/pagewarden.yaml"
    expect_code 1
    expect_err "pagewarden.yaml:2:1: unknown key \"intervall\" (did you mean \"interval\"?)
$PWD/pagewarden.yaml:2:1: unknown key \"intervall\" (did you mean \"interval\"?)"
    printf 'version: 1\ninterval: 2s\n' >pagewarden.yaml
    run "$PAGEWARDEN" verify pagewarden.yaml policies.d/pagewarden.yaml ./policies.d/pagewarden.yaml
    expect_code 0
    expect_err ""
    mkdir my-policies.d
    cp policies.d/pagewarden.yaml xpagewarden.yaml # is a policy
    cp pagewarden.yaml my-policies.d
    run "$PAGEWARDEN" verify xpagewarden.yaml my-policies.d/pagewarden.yaml
    expect_code 0
    expect_err ""
    run "$PAGEWARDEN" verify nowhere/pagewarden.yaml
    expect_code 1
    expect_err 'nowhere/pagewarden.yaml: No such file or directory'
}

test_globs_that_match_no_file() {
    mkdir -p srv/folder srv/found/deep
    touch srv/found/deep/file
    cat >shop.yaml <<END
version: 1
match: {units: [shop.service]}
pin:
  budget: 1M
  files:
    - path: $PWD/srv/none/*
    - path: $PWD/srv/found/**
    - path: $PWD/srv/folder
evict:
  - path: $PWD/srv/*.log
END
    run "$PAGEWARDEN" verify --strict shop.yaml
    expect_code 0
    expect_out ""
    expect_err "shop.yaml:6:13: note: \"$PWD/srv/none/*\" matches no file
shop.yaml:8:13: note: \"$PWD/srv/folder\" matches no file (is a directory)
shop.yaml:10:11: note: \"$PWD/srv/*.log\" matches no file"
    run "$PAGEWARDEN" verify -q shop.yaml
    expect_code 0
    expect_err ""
}

# What is anywhere below a "**" need not have been meant.
test_what_keeps_globs_from_matching() {
    mkdir -p srv/a/one.db srv/b srv/c
    mkfifo srv/b/fifo.db srv/c/x
    touch file
    cat >shop.yaml <<END
version: 1
match: {units: [shop.service]}
evict:
  - path: /dev/null
  - path: $PWD/file/x
  - path: $PWD/srv/*/one.db
  - path: $PWD/srv/**/fifo.db
  - path: $PWD/srv/c/**
  - path: $PWD/file/**
END
    run "$PAGEWARDEN" verify shop.yaml
    expect_code 0
    expect_err "shop.yaml:4:11: note: \"/dev/null\" matches no file (is a device)
shop.yaml:5:11: note: \"$PWD/file/x\" matches no file (\"$PWD/file\" is not a directory)
shop.yaml:6:11: note: \"$PWD/srv/*/one.db\" matches no file (\"$PWD/srv/a/one.db\" is a directory)
shop.yaml:7:11: note: \"$PWD/srv/**/fifo.db\" matches no file
shop.yaml:8:11: note: \"$PWD/srv/c/**\" matches no file (\"$PWD/srv/c/x\" is a FIFO)
shop.yaml:9:11: note: \"$PWD/file/**\" matches no file (\"$PWD/file\" is not a directory)"
}

# What nobody may look at may be there all the same.
test_globs_that_cannot_be_looked_at() {
    skip_unless_root || return
    mkdir -m 700 closed
    good_policy | sed "s|/etc/passwd|$PWD/closed/*|" >shop.yaml
    run as_nobody ./pagewarden verify shop.yaml
    expect_code 0
    expect_err ""
    run "$PAGEWARDEN" verify shop.yaml
    expect_err "shop.yaml:9:13: note: \"$PWD/closed/*\" matches no file"
}

test_a_terminal_shows_the_lines() {
    printf 'version: 1\r\nmatch: {units: [x.service]}\r\nrole: critcal\r\n' >dos.yaml
    run_terminal "$PAGEWARDEN" verify dos.yaml
    expect_code 1
    expect_out 'dos.yaml:3:7: unknown role "critcal" (did you mean "critical"?)
    role: critcal
          ^'
    printf 'version: 1\nmatch: {units: [x.service]}\n"日本\te\xcc\x81": 1\n' >wide.yaml
    run_terminal "$PAGEWARDEN" verify wide.yaml
    expect_out_has '
    "日本\te'$'\xcc\x81''": 1
    ^'
    printf 'version: 1\nmatch: {units: [x.service], "日本\\t\x1b[2J": 1}\n' >hostile.yaml
    run_terminal "$PAGEWARDEN" verify hostile.yaml
    ! grep -q $'\e' "$TEST_DIR/.typescript" || fail "an escape sequence came through"
    printf 'version: 1\nmatch: {units: ["ü.service", "é/x"]}\n' >locale.yaml
    run_terminal "$PAGEWARDEN" verify locale.yaml
    expect_out_has '    match: {units: ["ü.service", "é/x"]}
                                 ^'
    LC_ALL=C run_terminal "$PAGEWARDEN" verify locale.yaml
    expect_out_has '    match: {units: ["\xfc.service", "\xe9/x"]}
                                    ^'
}

test_a_terminal_hears_of_success() {
    mkdir -p c/policies.d
    run_terminal "$PAGEWARDEN" verify --config c
    expect_code 0
    expect_out 'There are no policies.'
    printf 'version: 1\n' >c/pagewarden.yaml
    run_terminal "$PAGEWARDEN" verify --config c
    expect_out 'There are no policies; the settings are good.'
    good_policy >c/policies.d/a.yaml
    run_terminal "$PAGEWARDEN" verify --config c
    expect_out '1 policy and the settings are good.'
    good_policy | sed 's/shop\.service/b.service/' >c/policies.d/b.yaml
    run_terminal "$PAGEWARDEN" verify --config c
    expect_out '2 policies and the settings are good.'
    rm c/pagewarden.yaml
    run_terminal "$PAGEWARDEN" verify --config c
    expect_out '2 policies are good.'
    rm c/policies.d/b.yaml
    run_terminal "$PAGEWARDEN" verify --config c
    expect_out '1 policy is good.'
    run_terminal "$PAGEWARDEN" verify -q --config c
    expect_out ''
    mkdir c/policies.d/lost.yaml.d
    touch c/policies.d/lost.yaml.d/x.yaml
    run_terminal "$PAGEWARDEN" verify --config c
    expect_code 0
    expect_out "$LOST"
    run_terminal "$PAGEWARDEN" verify c/policies.d/a.yaml
    expect_out ''
    run "$PAGEWARDEN" verify --config c
    expect_out ''
}

test_json() {
    installed
    bad_policy >c/policies.d/bad.yaml
    run "$PAGEWARDEN" verify --json=short --config c
    expect_code 1
    expect_err ""
    expect_json '[.entries[] | [.kind, .name, .state]] == [["settings", "pagewarden", "in force"],
        ["policy", "bad", "refused"], ["policy", "lost", "missing"], ["policy", "off", "masked"],
        ["policy", "shop", "in force"]]'
    expect_json '.entries[1].diagnostics[0] == {severity: "mistake", file: "c/policies.d/bad.yaml",
        line: 5, column: 7, message: "unknown role \"critcal\" (did you mean \"critical\"?)"}'
    expect_json '.entries[2].diagnostics | length == 1 and .[0].severity == "warning" and
        .[0].line == null and .[0].column == null'
    expect_json '.entries[4] == {kind: "policy", name: "shop", state: "in force", diagnostics: [],
        files: ["c/policies.d/shop.yaml", "c/policies.d/shop.yaml.d/more.yaml"], more: 0}'
    [ "$(wc -l <"$TEST_DIR/.out")" = 1 ] || fail "--json=short is not one line"
    run "$PAGEWARDEN" verify --json=pretty --quiet --config c
    expect_code 1
    expect_json '[.entries[].diagnostics[].severity] | unique == ["mistake"]'
    run "$PAGEWARDEN" verify --json=short --config c/nowhere
    expect_code 1
    expect_json '.entries[0] | .kind == "folders" and .name == null and .state == "refused" and
        .diagnostics[0].message == "No such file or directory"'
    printf 'a: 1\n%.0s' {1..120} >many.yaml
    run "$PAGEWARDEN" verify --json=short many.yaml
    expect_json '.entries[0] | (.diagnostics | length) == 100 and .more > 20'
    printf 'version: 1\n' >$'latin\xe9.yaml'
    run "$PAGEWARDEN" verify --json=short $'latin\xe9.yaml'
    expect_json '.entries[0].files == ["latin\\xe9.yaml"]'
}

test_usage() {
    good_policy >shop.yaml
    run "$PAGEWARDEN" verify --root / shop.yaml
    expect_code 2
    expect_err 'pagewarden: verify: --root and --config are of what is installed, and not of files'
    run "$PAGEWARDEN" verify --config . shop.yaml
    expect_code 2
    run "$PAGEWARDEN" verify --root ""
    expect_code 2
    expect_err 'pagewarden: --root takes the folder of an image'
    run "$PAGEWARDEN" verify --config ""
    expect_code 2
    expect_err 'pagewarden: --config takes a folder'
}

test_nobody_reads_on() {
    run_closed "$PAGEWARDEN" verify --json=short --config /nonexistent
    expect_code 141 # SIGPIPE
    expect_err ""
}

tests good every_mistake_has_its_place several_files standard_input what_is_no_file \
    masks_that_are_named drop_ins_are_no_policies masked_settings too_large empty \
    unreadable hostile_names_and_texts works_offline all_that_is_installed likely_slips the_first_folder_wins \
    warnings_are_bad_where_asked image memory_of_another_machine settings_as_a_file \
    globs_that_match_no_file what_keeps_globs_from_matching globs_that_cannot_be_looked_at a_terminal_shows_the_lines \
    a_terminal_hears_of_success json usage nobody_reads_on
