#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden status` and `reload` over a bus of their own: what they say without a bus, without a
# daemon, and what a daemon (fake-manager) tells them.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"
FAKE_MANAGER=$(realpath "$2")

no_bus() {
    export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$TEST_DIR/no-such-socket
}

test_without_a_bus() {
    local verb
    no_bus
    for verb in status reload; do
        run "$PAGEWARDEN" $verb
        expect_code 1
        expect_out ""
        expect_err "there is no system bus here (is dbus running?)"
    done
}

test_without_a_daemon() {
    local verb
    start_bus
    for verb in status reload; do
        run "$PAGEWARDEN" $verb
        expect_code 1
        expect_out ""
        expect_err "pagewardend is not running (systemctl start pagewarden)"
    done
}

test_not_allowed() {
    start_bus '<deny send_interface="org.pagewarden1.Manager" send_member="Reload"/>'
    echo '{}' >description
    start_manager description
    run "$PAGEWARDEN" reload
    expect_code 1
    expect_err "not allowed (as root?)"
    run "$PAGEWARDEN" status
    expect_code 0
}

test_status() {
    start_bus
    cat >description <<'END'
{"targets":[{"policy":"shop","unit":"shop.service","role":"critical","state":"governed",
  "memory":{"current":4096,"high":null},"pin":{"budget":8192,"locked":4096,"files":1,"failed":0}}],
 "policies":[{"name":"bad","state":"refused","error":"/p/bad.yaml:1:2: no"}],"warnings":[]}
END
    start_manager description
    run "$PAGEWARDEN" status
    expect_code 0
    expect_err ""
    expect_out_has "shop.service"
    expect_out_has "4K/8K"
    expect_out_has "policy bad refused: /p/bad.yaml:1:2: no"
    run "$PAGEWARDEN" status --no-legend --bytes
    expect_out_has "4096/8192"
    expect_out_lacks "POLICY"
    run "$PAGEWARDEN" status --json=short
    expect_code 0
    expect_json '.targets[0].memory == {current: 4096, high: null}'
    [ "$(wc -l <"$TEST_DIR/.out")" = 1 ] || fail "--json=short is not one line"
    run "$PAGEWARDEN" status --json=pretty
    expect_json '.policies[0].name == "bad"'
    [ "$(wc -l <"$TEST_DIR/.out")" -gt 10 ] || fail "--json=pretty is not indented"
}

a_shop() {
    echo '{"targets":[{"policy":"shop","unit":"shop.service","role":"critical"}]}' >description
}

test_watch() {
    start_bus
    a_shop
    start_manager description
    run bash -c '"$1" status --watch=100ms | head -n 5' - "$PAGEWARDEN"
    expect_err ""
    [ "$(grep -c '^shop  *shop.service' <<<"$out")" = 2 ] || fail "not two tables"
    [ "$(sed -n 3p <<<"$out")" = "" ] || fail "nothing between them"
    run bash -c '"$1" status --json=short --watch 1 | head -n 2' - "$PAGEWARDEN"
    [ "$(jq -r '.targets[0].unit' <<<"$out")" = "shop.service
shop.service" ] || fail "not two lines of JSON"
    for time in 0 5x 99ms 2d ""; do
        run "$PAGEWARDEN" status --watch="$time"
        expect_code 2
        expect_err "pagewarden: status: --watch takes seconds, or a time from 100ms to 1d: 5, 500ms"
    done
    run "$PAGEWARDEN" status --watch shop
    expect_code 2
    expect_err "pagewarden: status takes no arguments"
}

# It may come back, but has to be there at first.
test_watch_without_a_daemon() {
    start_bus
    a_shop
    run "$PAGEWARDEN" status --watch
    expect_code 1
    expect_err "pagewardend is not running (systemctl start pagewarden)"
    start_manager description
    "$PAGEWARDEN" status --watch=100ms >watch.out 2>watch.err &
    TEST_PIDS+=($!)
    until_is grep -q shop watch.out
    kill -KILL "$MANAGER"
    wait "$MANAGER" 2>/dev/null
    until_is grep -q 'pagewardend is not running' watch.err
    : >watch.out
    start_manager description
    until_is grep -q shop watch.out
    kill $!
}

screens() {
    (($(grep -aoF "$1" screen | wc -l) >= $2))
}

test_watch_on_a_terminal() {
    local csi=$'\e[' watch
    start_bus
    a_shop
    start_manager description
    # A shell that script(1) left between would not stop with what it runs: not every sh becomes its last command.
    # shellcheck disable=SC2016
    script -qfec "exec $(printf '%q ' sh -c 'stty rows 2 cols 20; echo $$ >pid; exec "$0" status --watch=100ms' "$PAGEWARDEN")" \
        screen >/dev/null </dev/null &
    watch=$!
    TEST_PIDS+=("$watch")
    until_is screens "${csi}H" 3
    grep -aqF "${csi}?1049h" screen || fail "not on the other screen"
    # Two lines of twenty columns.
    [ "$(grep -aoF "${csi}KPOLICY UNIT        " screen | sort -u | wc -l)" = 1 ] || fail "no heading"
    grep -aq 'ROLE' screen && fail "wider than the window"
    kill -TSTP "$(<pid)"
    until_is grep -q '^State:.T' "/proc/$(<pid)/status"
    until_is grep -q '^State:.T' "/proc/$watch/status" # script(1) stops with it
    kill -CONT "$watch" "$(<pid)"
    until_is screens "${csi}?1049h" 2
    screens "${csi}?1049l" 1 || fail "stopped on the other screen"
    kill -INT "$(<pid)"
    wait "$watch"
    code=$?
    expect_code 130
    screens "${csi}?1049l" 2 || fail "left on the other screen"
}

test_status_that_is_no_json() {
    local text
    start_bus
    for text in '{"targets":[' '[1,2]' 'null' ''; do
        printf '%s' "$text" >description
        [ -f manager.out ] || start_manager description
        run "$PAGEWARDEN" status --json=short
        expect_code 1
        expect_out ""
        expect_err "pagewarden: pagewardend answered something that is no JSON object"
    done
}

test_reload() {
    start_bus
    echo '{}' >description
    start_manager description
    run "$PAGEWARDEN" reload
    expect_code 0
    expect_out ""
    expect_err ""
}

test_reload_that_fails() {
    start_bus
    echo '{}' >description
    printf '/p/a.yaml:3:1: unknown key "pim"\n/p/b.yaml:1:9: \e[2Jbad' >error
    start_manager description error
    run "$PAGEWARDEN" reload
    expect_code 1
    expect_out ""
    expect_err '/p/a.yaml:3:1: unknown key "pim"
/p/b.yaml:1:9: \x1b[2Jbad'
}

test_release() {
    start_bus
    echo '{}' >description
    start_manager description
    mkdir -p folder
    ln -s folder link
    run "$PAGEWARDEN" release link/ folder/../folder
    expect_code 0
    expect_out ""
    expect_err ""
    run "$PAGEWARDEN" release --undo link /not/there
    expect_code 0
    [ "$(tail -n +2 manager.out)" = "Release $PWD/folder
Release $PWD/folder
PinAgain $PWD/folder
PinAgain /not/there" ] || fail "asked for: $(cat manager.out)"
    # One that fails does not keep the others from being released.
    run "$PAGEWARDEN" release not-there /dev folder
    expect_code 1
    expect_err "pagewarden: not-there: No such file or directory
Not everything is let go yet"
    [ "$(tail -n 1 manager.out)" = "Release $PWD/folder" ] || fail "the last one was not asked for"
    run "$PAGEWARDEN" release
    expect_code 2
    expect_err "pagewarden: release needs a path (see pagewarden release --help)"
    run "$PAGEWARDEN" release --undo
    expect_code 2
    expect_err "pagewarden: release needs a path (see pagewarden release --help)"
    run "$PAGEWARDEN" release --all folder
    expect_code 2
    expect_err 'pagewarden: release: unknown option "--all" (see pagewarden release --help)'
}

# It was there, and is killed between two calls.
test_daemon_that_dies() {
    start_bus
    echo '{}' >description
    start_manager description
    run "$PAGEWARDEN" status
    expect_code 0
    kill -KILL "$MANAGER"
    wait "$MANAGER" 2>/dev/null
    run "$PAGEWARDEN" status
    expect_code 1
    expect_err "pagewardend is not running (systemctl start pagewarden)"
}

tests without_a_bus without_a_daemon not_allowed status watch watch_without_a_daemon watch_on_a_terminal \
    status_that_is_no_json reload \
    reload_that_fails release daemon_that_dies
