# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What every case may use; sourced before it.

# Ends the case: fail MESSAGE...
fail() {
    local frame=1
    while [[ ${BASH_SOURCE[frame]:-} == */lib.sh ]]; do ((frame++)); done
    echo "${BASH_SOURCE[frame]##*/}:${BASH_LINENO[frame - 1]}: $*" >&2
    exit 1
}

# assert_eq ACTUAL EXPECTED [WHAT]
assert_eq() {
    [[ $1 == "$2" ]] || fail "${3:-values differ}: got '$1', expected '$2'"
}

# assert_match TEXT REGEX [WHAT]: an extended regular expression that matches somewhere in TEXT.
assert_match() {
    [[ $1 =~ $2 ]] || fail "${3:-no match}: '$1' does not match '$2'"
}

# Polls until COMMAND succeeds: wait_for SECONDS COMMAND...
wait_for() {
    local seconds=$1 end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS <= end)) || fail "not within $seconds s: $*"
        sleep 0.25 # where the processor is emulated, what asks costs more than what it waits for
    done
}

# Ends this run of the case, and reboots the guest. Then the case is run again, from its beginning, and
# finds BOOT to be one more. What is on the disk stays; nothing is cleaned up before.
reboot_guest() {
    touch /run/reboot-wanted
    exit 0
}

# The folder of a unit's cgroup.
cgroup_of() {
    local path=/system.slice/$1
    [[ -d /sys/fs/cgroup$path ]] || path=$(systemctl show --value --property=ControlGroup -- "$1")
    [[ -n $path ]] || fail "$1 has no cgroup"
    echo "/sys/fs/cgroup$path"
}

# What the kernel has now: bytes, or "max".
memory_high() {
    cat "$(cgroup_of "$1")/memory.high"
}

# memory_stat UNIT KEY: bytes or a count, see memory.stat in the kernel's cgroup-v2 documentation.
memory_stat() {
    local folder key value
    folder=$(cgroup_of "$1")
    while read -r key value; do
        [[ $key != "$2" ]] || { echo "$value"; return; }
    done <"$folder/memory.stat"
    fail "memory.stat of $1 has no $2"
}

# Drops all of the page cache that is clean and not locked.
drop_caches() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
}

# Mounts the data disk (tests/vm/run --data) at /srv; does nothing where it is mounted already.
mount_data() {
    mountpoint -q /srv && return
    [[ -e /dev/disk/by-id/virtio-data ]] || fail "no data disk: run with --data"
    mount /dev/disk/by-id/virtio-data /srv
}
