# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Passes where the harness cleaned up after the case before.

assert_eq "$(ls /etc/pagewarden/policies.d)" ""
assert_eq "$(systemctl list-units --all --no-legend 't-*')" ""
assert_eq "$(systemctl --failed --no-legend)" ""
assert_eq "$(systemctl list-unit-files --no-legend 't-*')" ""
assert_eq "$(pgrep -x sleep)" ""
