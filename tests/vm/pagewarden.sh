# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What cases about pagewarden share. Units of a case are named t-*, files are in $FILES.

FILES=/var/tmp/t-files
((BOOT > 1)) || rm -rf "$FILES"
mkdir -p "$FILES"

# policy NAME: standard input is its text.
policy() {
    mkdir -p /etc/pagewarden/policies.d
    cat >"/etc/pagewarden/policies.d/$1.yaml"
}

# An emulated disk on a busy machine is as slow as a spinning one: limits for such disks, too.
any_disk() {
    printf 'version: 1\nrotational_disks: enforce\n' >/etc/pagewarden/pagewarden.yaml
}

# shortage LIMIT MIN UNIT...: of memory in t-mem.slice, which has LIMIT, not on the host. t-shop.service is critical, and
# the UNITs yield down to MIN.
shortage() {
    policy shop <<'POLICY'
version: 1
match: { units: [t-shop.service] }
role: critical
POLICY
    policy backup <<POLICY
version: 1
match: { units: [$(IFS=,; echo "${*:3}")] }
role: background
memory_high: { mode: yield, min: $2 }
POLICY
    printf '[Slice]\nMemoryHigh=%s\n' "$1" >/run/systemd/system/t-mem.slice
    systemctl daemon-reload
}

# make_file NAME MIB: a file with content, on the disk and not in memory.
make_file() {
    head -c "$2M" /dev/zero >"$FILES/$1"
    sync "$FILES/$1"
    evict "$FILES/$1"
}

# Takes files out of memory, as far as they are not locked.
evict() {
    vmtouch -q -e "$@" >/dev/null
}

# Runs COMMAND as unit: run_unit NAME [systemd-run options] -- COMMAND...
run_unit() {
    local name=$1
    shift
    systemd-run --quiet --collect --unit="$name" "$@"
}

start_daemon() {
    systemctl reset-failed pagewarden.service 2>/dev/null || true
    systemctl start pagewarden.service
}

main_pid() {
    systemctl show --value --property=MainPID -- "$1"
}

# target UNIT FILTER: a jq filter on the unit's entry in `pagewarden status`; "null" while there is none.
target() {
    pagewarden status --json=short |
        jq -r --arg unit "$1" "[.targets[] | select(.unit == \$unit)][0] | $2"
}

# For wait_for: target_is UNIT FILTER VALUE
target_is() {
    [[ $(target "$1" "$2") == "$3" ]]
}

# For wait_for: target_at_least UNIT FILTER VALUE
target_at_least() {
    local value
    value=$(target "$1" "$2")
    [[ $value != null ]] && ((value >= $3))
}

# locked_in UNIT: bytes of resident pages of files that the unit's main process holds locked, from smaps.
locked_in() {
    local pid
    pid=$(main_pid "$1")
    [[ $pid != 0 ]] || { echo 0; return; }
    awk '/^[0-9a-f]+-/ { shared = $2 ~ /s$/ } /^Rss:/ { rss = $2 } /^VmFlags:.* lo( |$)/ && shared { sum += rss } END { print sum * 1024 }' "/proc/$pid/smaps"
}

# resident FILE: bytes of it in memory.
resident() {
    pagewarden inspect --json=short "$1" | jq '.files[0].resident'
}

# Whether the kernel has cachestat(2), from Linux 6.5 on. Without it nobody can tell which pages are dirty.
has_cachestat() {
    [[ $(pagewarden inspect --json=short /etc/passwd | jq '.files[0].dirty') != null ]]
}

# Whether memory.reclaim can be told to leave anonymous memory alone, from Linux 6.8 on.
reclaim_spares_anon() {
    echo "1 swappiness=0" 2>/dev/null >/sys/fs/cgroup/system.slice/memory.reclaim
}

# charged_to UNIT FILE: bytes of it in memory that the unit's control group is charged with, page by page.
charged_to() {
    pagewarden inspect --by-cgroup --json=short "$2" |
        jq --arg unit "$1" '[.files[0].cgroups[] | select(.unit == $unit).resident] | add // 0'
}

# journal_has REGEX: since the case began.
journal_has() {
    journalctl --quiet --no-pager --since="@$CASE_BEGAN" --output=cat -u pagewarden.service | grep -Eq -- "$1"
}

high_is() {
    [[ $(memory_high "$1") == "$2" ]]
}

inactive() {
    ! systemctl is-active --quiet "$1"
}

CASE_BEGAN=$(date +%s)
MIB=$((1024 * 1024))

# Linux before 6.5 does not tell what is dirty: there, files stay until it must have written them, 3 s here instead of 40.
if [[ $(printf '%s\n' "$(uname -r)" 6.5 | sort -V | head -n 1) != 6.5 ]]; then
    echo 100 >/proc/sys/vm/dirty_expire_centisecs
    echo 100 >/proc/sys/vm/dirty_writeback_centisecs
fi
