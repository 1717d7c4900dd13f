# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Fails where it waited in vain.

wait_for 1 false
