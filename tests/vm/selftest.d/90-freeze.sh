# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Stops the agent, so that the host hears nothing any more. Run alone, with a --timeout.

kill -STOP "$(systemctl show --value --property=MainPID pagewarden-guest.service)"
