# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 60
# A case that goes on after a reboot: another boot, the same disk.

if ((BOOT == 1)); then
    echo "of the first boot"
    cat /proc/sys/kernel/random/boot_id >/var/tmp/boot
    touch /run/first
    reboot_guest
    fail "it goes on before the reboot"
fi
assert_eq "$BOOT" 2
[[ $(cat /proc/sys/kernel/random/boot_id) != "$(cat /var/tmp/boot)" ]] || fail "the same boot"
[[ ! -e /run/first ]] || fail "/run is the same"
