# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# A file system with pinned files can be unmounted: by systemd without further ado, by hand after `pagewarden release`.
# Mounted again, its files are pinned again. Other files of the service stay pinned all the while.
. /payload/tests/vm/pagewarden.sh

cat >/etc/systemd/system/mnt-t.mount <<UNIT
[Mount]
What=tmpfs
Where=/mnt/t
Type=tmpfs
Options=size=16M
UNIT
trap 'umount -l /mnt/t 2>/dev/null || true; rm /etc/systemd/system/mnt-t.mount; systemctl daemon-reload' EXIT
systemctl daemon-reload
mount_it() {
    systemctl start mnt-t.mount
    head -c 2M /dev/urandom >"/mnt/t/a \$HOME %n"
    head -c 1M /dev/urandom >/mnt/t/b
}
mount_it
make_file one 4
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 16M
  files:
    - path: $FILES/*
    - path: /mnt/t/*
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
holder=pagewarden-hold-t-shop.service
guard=pagewarden-mount-mnt-t.service
locked_is() { (($(locked_in $holder) == $1 * MIB)); }
by_hand_is() { (($(locked_in pagewarden-hold-:hand:.service) == $1 * MIB)); }
wait_for 60 locked_is 7
wait_for 10 systemctl is-active --quiet $guard
pid=$(main_pid $holder)
stays() { # all the time in the background
    while sleep 1; do [[ -e /var/tmp/t-done ]] && return; (($(locked_in $holder) >= 4 * MIB)) || return 1; done
}
rm -f /var/tmp/t-done
stays &
watcher=$!

# systemd: the unit that guards the mount is stopped first, and that releases.
systemctl stop mnt-t.mount
mountpoint -q /mnt/t && fail "/mnt/t is still mounted"
locked_is 4 || fail "locked: $(locked_in $holder)"
wait_for 10 inactive $guard
mount_it
wait_for 9 locked_is 7
assert_eq "$(pagewarden status --json=short | jq -c .released)" '[]'
wait_for 30 systemctl is-active --quiet $guard

# By hand: it is busy; released, nothing of it is held when the command returns, and nothing is pinned again.
umount /mnt/t 2>/dev/null && fail "nothing was pinned on /mnt/t"
ln -s t /mnt/t-link
pagewarden release /mnt/t-link
rm /mnt/t-link
locked_is 4 || fail "locked after a release: $(locked_in $holder)"
head -c 1M /dev/urandom >/mnt/t/c
sleep 1
locked_is 4 || fail "pinned again: $(locked_in $holder)"
assert_match "$(pagewarden status)" '/mnt/t: released'
umount /mnt/t
mount_it
wait_for 9 locked_is 7

# Taken back, or forgotten at a reload. What is pinned by hand goes and comes with the rest.
mkdir -p "$FILES/other"
make_file other/two 1
pagewarden pin /mnt/t/b "$FILES/other/two"
by_hand_is 2 || fail "not pinned by hand"
pagewarden release /mnt/t
by_hand_is 1 || fail "still pinned by hand"
pagewarden pin /mnt/t/b 2>err && fail "pinned where it is released"
assert_match "$(cat err)" 'is released, to be unmounted'
umount /mnt/t || fail "still busy"
mount_it
pagewarden pin /mnt/t/b
pagewarden release /mnt/t
pagewarden release --undo /mnt/t
wait_for 9 locked_is 7
wait_for 9 by_hand_is 2
pagewarden release --undo /mnt/t 2>/dev/null && fail "undone twice"
systemctl stop mnt-t.mount || fail "a pin by hand keeps it from being unmounted"
by_hand_is 1 || fail "still pinned by hand"
pagewarden unpin --all
mount_it
wait_for 9 locked_is 7
touch /var/tmp/t-done
wait $watcher || fail "other pins of the service were dropped"
rm /var/tmp/t-done
pagewarden release "$FILES/one" /mnt/t
locked_is 0 || fail "locked: $(locked_in $holder)"
systemctl reload pagewarden
wait_for 9 locked_is 7
assert_eq "$(main_pid $holder)" "$pid" "the holder"
# A controller that has just begun knows nothing yet of what its holder has.
systemctl restart pagewarden.service
pagewarden release /mnt/t
locked_is 4 || fail "locked after a release: $(locked_in $holder)"
umount /mnt/t
mount_it
wait_for 9 locked_is 7
assert_eq "$(main_pid $holder)" "$pid" "the holder"
# The controller is away: its holders are told by who guards the mount. What is elsewhere stays.
dropin=/run/systemd/system/pagewarden.service.d
mkdir -p $dropin
printf '[Service]\nRestart=no\n' >$dropin/t.conf
systemctl daemon-reload
wait_for 30 systemctl is-active --quiet $guard
systemctl kill --signal=KILL pagewarden.service
wait_for 10 inactive pagewarden.service
systemctl stop mnt-t.mount || fail "still busy, without a controller"
locked_is 4 || fail "locked: $(locked_in $holder)"
journalctl --quiet --output=cat --since="@$CASE_BEGAN" -u $guard | grep -q 'told to let go of 2 files' || fail "nobody was told"
rm -r $dropin
systemctl daemon-reload
start_daemon
mount_it
wait_for 9 locked_is 7
assert_eq "$(main_pid $holder)" "$pid" "the holder"
# Nobody was asked, and nothing of it is left behind.
umount -l /mnt/t
wait_for 9 locked_is 4
mount_it
wait_for 9 locked_is 7
pagewarden release /nowhere 2>/dev/null && fail "a folder that is not there"
busctl call org.pagewarden1 /org/pagewarden1 org.pagewarden1.Manager Release s 'x/../y' 2>/dev/null && fail "no absolute path"
# Changing is for root.
runuser -u nobody -- pagewarden release /mnt/t 2>/dev/null && fail "nobody may release"

systemctl stop pagewarden.service
wait_for 15 inactive $holder
wait_for 15 inactive $guard
umount /mnt/t
