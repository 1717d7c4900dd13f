# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# alone: it would be disturbed
# Runs when the others are done.

true
