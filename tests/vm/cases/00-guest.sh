# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The guest is what the other cases count on: systemd, cgroup v2 with memory, pressure, cachestat.

assert_eq "$(cat /proc/1/comm)" systemd "process 1"
assert_eq "$(stat -f -c %T /sys/fs/cgroup)" cgroup2fs
assert_match "$(cat /sys/fs/cgroup/cgroup.subtree_control)" '(^| )memory( |$)'
assert_match "$(cat /proc/pressure/memory)" '^some avg10='
assert_eq "$(systemctl --failed --no-legend)" "" "failed units"
assert_eq "$(swapon --show)" "" "swap"
# What comes by itself disturbs measurements.
assert_eq "$(systemctl list-timers --no-legend)" "" "timers"
assert_eq "$(pgrep -lx 'memlockd|nginx|vmtouch')" "" "running services of what the cases use"
assert_eq "$(awk '/^VmLck:/ && $2 > 0' /proc/[0-9]*/status)" "" "locked memory"

systemd-run --quiet --unit=t-sleep --property=MemoryHigh=64M sleep infinity
assert_eq "$(memory_high t-sleep.service)" $((64 << 20))
wait_for 5 test "$(memory_stat t-sleep.service anon)" -gt 0
