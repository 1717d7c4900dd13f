# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Passes, and leaves behind all that the harness is to clean up.

mkdir -p /etc/pagewarden/policies.d
touch /etc/pagewarden/policies.d/left.yaml
printf '[Service]\nExecStart=sleep infinity\n' >/etc/systemd/system/t-written.service
systemctl daemon-reload
systemctl start t-written.service
systemd-run --quiet --unit=t-transient --slice=t-slice sleep infinity
systemd-run --quiet --unit=t-failed false
sleep infinity &
setsid sleep infinity &
wait_for 5 systemctl is-failed --quiet t-failed.service
