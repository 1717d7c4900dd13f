# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Fails at the command, which is named with its line.

echo "before"
ls /nowhere
echo "never reached"
