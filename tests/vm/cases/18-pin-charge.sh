# SPDX-License-Identifier: MIT
# timeout: 480
# Who is charged with the pins, as the kernel counts in sum (memory.stat) and page by page (kpagecgroup): the
# holder, or the service, also after its restart, and the other one when the policy is changed; and nothing
# where the service's limit is too small. And who is killed first.
. /payload/tests/vm/pagewarden.sh

stat_of() { # UNIT KEY
    awk -v key="$2" '$1 == key { print $2 }' "/sys/fs/cgroup/system.slice/$1/memory.stat"
}
charged_at_least() { (($(stat_of "$1" unevictable) >= $2)); }
charge() { # NAME FILE CHARGE
    policy "$1" <<POLICY
version: 1
match: { units: [t-$1.service] }
pin:
  budget: 64M
  files: [{ path: $FILES/$2 }]
  charge: $3
POLICY
}
moved() { [[ $(target t-own.service '"\(.pin.charged.to) \(.pin.charged.moving)"') == "$1 false" ]]; }
# all_charged_to UNIT service|holder: all of the service's pins, each page of them: as a whole, with a hole that nobody
# is to pay for, and as far as read. Page by page it is asked at the end: that is work enough to be in the way.
all_charged_to() {
    wait_for 60 charged_at_least "$1" $((total - MIB))
    wait_for 60 moved "$2"
    wait_for 60 target_is t-own.service .pin.locked "$total"
    assert_eq "$(charged_to "$1" "$FILES/own")" $((24 * MIB)) "charged to $1"
    assert_eq "$(charged_to "$1" "$FILES/sparse")" "$MIB" "charged to $1 of the data in the file with a hole"
    assert_eq "$(charged_to "$1" "$FILES/loose")" "$loose" "charged to $1 of the file that is locked on fault"
    assert_eq "$(resident "$FILES/sparse")" "$MIB" "the data in the file with a hole"
    assert_eq "$(resident "$FILES/loose")" "$loose" "what was read of the file that is locked on fault"
}
change_charge() {
    sed -i "s/charge: .*/charge: $1/" /etc/pagewarden/policies.d/own.yaml
    systemctl reload pagewarden.service
}

make_file own 24
make_file sparse 1
make_file loose 8
truncate -s 256M "$FILES/hole"
dd if="$FILES/sparse" of="$FILES/hole" bs=1M seek=100 conv=notrunc status=none
mv "$FILES/hole" "$FILES/sparse"
sync "$FILES/sparse"
evict "$FILES/sparse"
dd if="$FILES/loose" of=/dev/null bs=1M skip=2 count=2 status=none
loose=$(resident "$FILES/loose")
((loose < 8 * MIB)) || fail "all of it was read"
total=$((25 * MIB + loose))
make_file others 8
make_file large 32
charge own own service
sed -i "s|^  files: .*|  files: [{ path: '$FILES/{own,sparse}' }, { path: $FILES/loose, lock: on-fault }]|" \
    /etc/pagewarden/policies.d/own.yaml
charge others others holder
charge small large service
run_unit t-own.service -- sleep infinity
run_unit t-others.service -- sleep infinity
run_unit t-small.service --property=MemoryMax=32M -- sleep infinity
before=$(main_pid t-own.service)
start_daemon
wait_for 60 target_is t-own.service .pin.locked $total
wait_for 60 target_is t-others.service .pin.locked $((8 * MIB))

# Of the last one each page was in memory, at the charge of whoever read it.
all_charged_to t-own.service service
# A page more or less is the kernel's batches.
(($(stat_of pagewarden-hold-t-own.service unevictable) < 4 * MIB)) || fail "its holder is charged"
charged_at_least pagewarden-hold-t-others.service $((7 * MIB)) || fail "the holder is not charged"
(($(stat_of t-others.service unevictable) < MIB)) || fail "the service is charged"
assert_eq "$(charged_to pagewarden-hold-t-others.service "$FILES/others")" $((8 * MIB))
shown() { (($(target t-own.service .pin.charged.service) >= 25 * MIB)); }
wait_for 30 shown

# Of who read them in the service there is no trace.
assert_eq "$(cat /sys/fs/cgroup/system.slice/t-own.service/cgroup.procs)" "$before" "processes of the service"
assert_eq "$(main_pid t-own.service)" "$before"
assert_eq "$(systemctl show --value --property=SubState t-own.service)" running

# The limit of a service is not filled with what cannot be reclaimed.
bounded() { [[ $(target t-small.service .pin.bound) == *"memory limit of the service"* ]]; }
wait_for 60 bounded
locked=$(target t-small.service .pin.locked)
((locked <= 16 * MIB)) || fail "locked under the limit: $locked"
systemctl is-active --quiet t-small.service || fail "the service was killed"
grep -q '^oom_kill 0$' /sys/fs/cgroup/system.slice/t-small.service/memory.events || fail "killed in its control group"

# A restart: the pages of the old control group are charged to the slice, until they are read again.
systemctl restart t-own.service t-others.service
all_charged_to t-own.service service
charged_at_least pagewarden-hold-t-others.service $((7 * MIB)) || fail "the holder is not charged after a restart"

# The policy names another one.
change_charge holder
all_charged_to pagewarden-hold-t-own.service holder
(($(stat_of t-own.service unevictable) < MIB)) || fail "the service is still charged"
change_charge service
all_charged_to t-own.service service
assert_match "$(pagewarden status)" 't-own.service: charged with what is locked: the service with 2[5-9]'

# Pins are worth less than what they serve, or go after it: also of a holder that runs.
score_is() { [[ $(cat "/proc/$(main_pid pagewarden-hold-t-own.service)/oom_score_adj") == "$1" ]]; }
wait_for 10 score_is 500
echo '  on_shortage: keep' >>/etc/pagewarden/policies.d/own.yaml
pid=$(main_pid pagewarden-hold-t-own.service)
systemctl reload pagewarden.service
wait_for 30 score_is -500
assert_eq "$(main_pid pagewarden-hold-t-own.service)" "$pid"
