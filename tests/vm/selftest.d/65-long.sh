# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Fails after more output than is shown.

seq 100000
fail "at the end"
