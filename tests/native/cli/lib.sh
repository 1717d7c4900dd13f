# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of the real command share. They are sourced into `bash -u`, print TAP, and leave
# nothing behind. A test is a function; in it, `run` keeps what a command printed, and the expect_…
# functions compare.

# The command that is tested; meson gives its path.
# shellcheck disable=SC2034
PAGEWARDEN=$(realpath "${1:?path of pagewarden}")
TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/pagewarden-test.XXXXXX") || exit 99
TEST_PIDS=() # of what was started in the background
TEST_COUNT=0
TEST_FAILED=0
export LC_ALL=C.UTF-8

finish() {
    local pid
    for pid in ${TEST_PIDS[@]+"${TEST_PIDS[@]}"}; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    rm -rf "$TEST_DIR"
}
trap finish EXIT

# run COMMAND… : its standard output in $out, standard error in $err, exit status in $code.
run() {
    "$@" >"$TEST_DIR/.out" 2>"$TEST_DIR/.err" </dev/null
    code=$?
    out=$(<"$TEST_DIR/.out")
    err=$(<"$TEST_DIR/.err")
}

# run_terminal COMMAND… : the same with all its output on a terminal, in $out.
run_terminal() {
    script -qec "$(printf '%q ' "$@")" /dev/null >"$TEST_DIR/.typescript" 2>"$TEST_DIR/.err" </dev/null
    code=$?
    out=$(tr -d '\r' <"$TEST_DIR/.typescript")
    err=$(<"$TEST_DIR/.err")
}

# run_closed COMMAND… : the same with a standard output that nobody reads any more.
run_closed() {
    local writer
    exec {writer}> >(exit)
    wait $!
    "$@" 1>&"$writer" 2>"$TEST_DIR/.err" </dev/null
    code=$?
    exec {writer}>&-
    out=
    err=$(<"$TEST_DIR/.err")
}

# as_nobody COMMAND… : "./pagewarden" is the command, whose own folder may be closed to nobody.
as_nobody() {
    chmod 755 "$TEST_DIR" .
    install -m 755 "$PAGEWARDEN" pagewarden
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# skip_unless_root: returns whether the test goes on.
skip_unless_root() {
    [ "$(id -u)" = 0 ] || TEST_SKIP="not root"
    [ -z "$TEST_SKIP" ]
}

fail() {
    printf '%s\n' "$*" | sed 's/^/# /'
    echo "# exit status ${code-}, standard output:"
    printf '%s\n' "${out-}" | head -n 20 | cat -v | sed 's/^/#   /'
    echo "# standard error:"
    printf '%s\n' "${err-}" | head -n 20 | cat -v | sed 's/^/#   /'
    TEST_OK=false
}

expect_code() {
    [ "$code" = "$1" ] || fail "exit status is not $1"
}

expect_out() {
    [ "$out" = "$1" ] || fail "standard output is not: $1"
}

expect_err() {
    [ "$err" = "$1" ] || fail "standard error is not: $1"
}

expect_out_has() {
    case $out in *"$1"*) ;; *) fail "standard output lacks: $1" ;; esac
}

expect_out_lacks() {
    case $out in *"$1"*) fail "standard output has: $1" ;; *) ;; esac
}

expect_err_has() {
    case $err in *"$1"*) ;; *) fail "standard error lacks: $1" ;; esac
}

# expect_json FILTER: jq's answer about the raw standard output is true.
expect_json() {
    holds "$1" || fail "not true of the JSON: $1"
}

# until_is COMMAND…: waits until it succeeds, on a busy machine for long.
until_is() {
    local i
    for ((i = 0; i < 1200; i++)); do
        "$@" 2>/dev/null && return
        sleep 0.05
    done
    fail "never: $*"
    return 1
}

# runs PID COMMAND: the process is that program by now.
runs() {
    [ "$(cat "/proc/$1/comm")" = "$2" ]
}

# catches PID SIGNAL: it would not simply die of it.
catches() {
    local mask
    mask=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status")
    ((0x${mask:-0} >> ($(kill -l "$2") - 1) & 1))
}

# in_some_try COMMAND…: until it succeeds, at most so often. It does everything anew, where others may evict what is
# in memory meanwhile.
in_some_try() {
    local i
    for ((i = 0; i < 30; i++)); do
        "$@" && return
    done
    fail "in no try: $*"
    return 1
}

# holds JQ-FILTER: whether it is true of the raw standard output. Of nothing at all, jq 1.6 finds everything true.
holds() {
    [ -s "$TEST_DIR/.out" ] && jq -e "$1" "$TEST_DIR/.out" >/dev/null 2>&1
}

# A bus where everybody may do everything.
start_bus() {
    cat >bus.conf <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=$PWD/bus</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    ${1-}
  </policy>
</busconfig>
END
    export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$PWD/bus
    dbus-daemon --config-file=bus.conf --nofork --nopidfile --nosyslog 2>bus.log &
    TEST_PIDS+=($!)
    until_is [ -S bus ] || fail "no bus: $(cat bus.log)"
}

# start_manager DESCRIPTION [ERROR]: files with what it answers.
start_manager() {
    "$FAKE_MANAGER" "$@" >manager.out 2>manager.err &
    MANAGER=$!
    TEST_PIDS+=($!)
    until_is grep -q ready manager.out || fail "no manager: $(cat manager.err)"
}

# tests NAME…: runs the functions test_NAME, each in a folder of its own. None may be left out.
tests() {
    local name
    for name in $(compgen -A function test_); do
        [[ " $* " == *" ${name#test_} "* ]] || { echo "Bail out! $name is never run"; exit 99; }
    done
    echo "1..$#"
    for name; do
        TEST_OK=true
        TEST_SKIP=
        TEST_COUNT=$((TEST_COUNT + 1))
        mkdir "$TEST_DIR/$name"
        cd "$TEST_DIR/$name" || exit 99
        "test_$name"
        if [ "$TEST_SKIP" ]; then
            echo "ok $TEST_COUNT - $name # SKIP $TEST_SKIP"
        elif $TEST_OK; then
            echo "ok $TEST_COUNT - $name"
        else
            echo "not ok $TEST_COUNT - $name"
            TEST_FAILED=$((TEST_FAILED + 1))
        fi
    done
    [ $TEST_FAILED = 0 ]
}
