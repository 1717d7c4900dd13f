# SPDX-License-Identifier: MIT
# timeout: 300
# Who is charged with the pins, as the kernel counts: the holder, or the service, also after its restart; and
# nothing where the service's limit is too small. And who is killed first.
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
make_file own 24
make_file others 8
make_file large 32
charge own own service
charge others others holder
charge small large service
run_unit t-own.service -- sleep infinity
run_unit t-others.service -- sleep infinity
run_unit t-small.service --property=MemoryMax=32M -- sleep infinity
before=$(main_pid t-own.service)
start_daemon
wait_for 60 target_is t-own.service .pin.locked $((24 * MIB))
wait_for 60 target_is t-others.service .pin.locked $((8 * MIB))

# A page more or less is the kernel's batches.
charged_at_least t-own.service $((23 * MIB)) || fail "the service: $(stat_of t-own.service unevictable)"
(($(stat_of pagewarden-hold-t-own.service unevictable) < 4 * MIB)) || fail "its holder is charged"
charged_at_least pagewarden-hold-t-others.service $((7 * MIB)) || fail "the holder is not charged"
(($(stat_of t-others.service unevictable) < MIB)) || fail "the service is charged"
shown() { (($(target t-own.service .pin.charged.service) >= 23 * MIB)); }
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
wait_for 60 charged_at_least t-own.service $((23 * MIB))
wait_for 60 target_is t-own.service .pin.locked $((24 * MIB))
charged_at_least pagewarden-hold-t-others.service $((7 * MIB)) || fail "the holder is not charged after a restart"

# Pins are worth less than what they serve, or go after it: also of a holder that runs.
score_is() { [[ $(cat "/proc/$(main_pid pagewarden-hold-t-own.service)/oom_score_adj") == "$1" ]]; }
wait_for 10 score_is 500
echo '  on_shortage: keep' >>/etc/pagewarden/policies.d/own.yaml
pid=$(main_pid pagewarden-hold-t-own.service)
systemctl reload pagewarden.service
wait_for 30 score_is -500
assert_eq "$(main_pid pagewarden-hold-t-own.service)" "$pid"
