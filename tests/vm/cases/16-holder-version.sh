# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 480
# A holder of another version goes on until one of this version has all pins, and is stopped then.
. /payload/tests/vm/pagewarden.sh

make_file one 24
policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 32M
  files:
    - path: $FILES/one
POLICY
run_unit t-shop.service -- sleep infinity
start_daemon
wait_for 60 target_is t-shop.service .pin.locked $((24 * MIB))
sockets=(/run/pagewarden/hold/*)
assert_eq ${#sockets[@]} 1 "sockets of holders"
systemctl stop pagewarden.service
wait_for 15 inactive pagewarden-hold-t-shop.service
mkdir -p /run/pagewarden/hold
rm -f "${sockets[0]}"

# What version 1 does when it is greeted by another: it hangs up. It has the file locked.
cat >/run/t-old-holder <<'OLD'
vmtouch -dlwq "$2"
exec perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die; unlink $ARGV[0];
    bind($s, sockaddr_un($ARGV[0])) or die; listen($s, 5) or die;
    while (accept(my $c, $s)) { sysread($c, my $greeting, 4096); close $c }' "$1"
OLD
run_unit pagewarden-hold-t-shop.service -- sh /run/t-old-holder "${sockets[0]}" "$FILES/one"
wait_for 30 test -S "${sockets[0]}"

# From here on the file is always locked by one or the other.
watch_resident() {
    while :; do
        evict "$FILES/one"
        resident "$FILES/one"
        sleep 0.05
    done >/run/t-watch 2>/dev/null
}
watch_resident &
watcher=$!
start_daemon
new=pagewarden-hold-:2:t-shop.service
wait_for 60 inactive pagewarden-hold-t-shop.service
assert_eq "$(locked_in $new)" $((24 * MIB)) "locked by the new one when the old one is stopped"
wait_for 60 target_is t-shop.service .pin.locked $((24 * MIB))
journal_has 't-shop.service: its holder is of another version; a new one takes its pins over' || fail "not told"
journal_has 't-shop.service: stopped its other holder' || fail "its end is not told"

# The next controller finds that one, and leaves it.
pid=$(main_pid $new)
systemctl restart pagewarden.service
wait_for 60 target_is t-shop.service .pin.locked $((24 * MIB))
assert_eq "$(main_pid $new)" "$pid" "the same holder after restart"
inactive pagewarden-hold-t-shop.service || fail "the other holder is back"
kill $watcher
assert_eq "$(sort -u /run/t-watch)" $((24 * MIB)) "resident all the while"
(($(wc -l </run/t-watch) > 5)) || fail "nothing was watched"
