# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Takes the guest with it.

echo "before the panic"
sleep 1
echo c >/proc/sysrq-trigger
sleep infinity
