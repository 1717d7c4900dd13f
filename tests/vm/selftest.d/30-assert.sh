# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Fails at the assertion, which names its line.

echo "before"
logger "a line for the journal"
assert_eq 1 2 "sums"
echo "never reached"
