# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 3
# Is ended at its limit, though it ignores the signal.

trap '' TERM
echo "begun"
while :; do sleep 1; done
