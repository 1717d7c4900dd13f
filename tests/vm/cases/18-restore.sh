# SPDX-License-Identifier: MIT
# timeout: 240
# A warm start: what a service had in memory when it stopped is there again when it starts, and how many of
# its first requests are served from memory, with and without.
. /payload/tests/vm/pagewarden.sh

shop=/usr/libexec/pagewarden-tests/shop
snapshot=/var/lib/pagewarden/t-shop.service.snapshot
make_file hot 64
make_file cold 4
cat >/run/systemd/system/t-shop.service <<UNIT
[Service]
Type=notify
ExecStart=$shop --file $FILES/hot --rate 200 --report /run/t-shop.json
UNIT
systemctl daemon-reload
drop_in() { compgen -G "/run/systemd/generator/t-shop.service.d/*pagewarden*" >/dev/null; }
! drop_in || fail "a drop-in without a policy"

# served: of the requests of the first 10 seconds, how many were served from memory; in percent.
served() {
    rm -f /run/t-shop.json
    systemctl start t-shop.service
    sleep 10
    systemctl stop t-shop.service
    jq -r '"\((.requests - .slow) * 100 / .requests | floor)"' /run/t-shop.json
}

# As a boot finds it: nothing in memory, nothing in /run, the generators run before all else.
boot() {
    systemctl stop pagewarden.service t-shop.service
    rm -rf /run/pagewarden
    drop_caches
    systemctl daemon-reload
}

# Without: the pages that are asked for come one by one.
without=$(served)

policy shop <<POLICY
version: 1
match: { units: [t-shop.service] }
pin:
  budget: 80M
  files: [ { path: $FILES/gone }, { path: $FILES/hot }, { path: $FILES/cold, lock: none } ]
  restore: true
POLICY
# The default is for real disks and processors.
printf 'version: 1\nrestore_time: 45s\n' >/etc/pagewarden/pagewarden.yaml
start_daemon
systemctl start t-shop.service
wait_for 30 target_is t-shop.service .pin.restore.in_force false
journal_has 'in force after a "systemctl daemon-reload"' || fail "nobody is told to reload systemd"
systemctl daemon-reload
drop_in || fail "no drop-in"
wait_for 20 target_is t-shop.service .pin.restore.in_force true
wait_for 60 target_is t-shop.service .pin.locked $((64 * MIB))
evict "$FILES/cold"
rm -f $snapshot
systemctl stop t-shop.service
wait_for 20 test -s $snapshot
assert_eq "$(stat -c %a,%U "$snapshot" /var/lib/pagewarden | xargs)" "600,root 700,root"

boot
assert_eq "$(resident "$FILES/hot")" 0 "after a boot"
with=$(served)
printf 'requests of the first 10 s served from memory: %s %% without a warm start, %s %% with\n' "$without" "$with"
((with >= 99 && without <= 60)) || fail "$without % without, $with % with"
assert_eq "$(resident "$FILES/hot")" $((64 * MIB))
assert_eq "$(resident "$FILES/cold")" 0 "it was not in memory before"
warmed() { journalctl -q -o cat --since="@$CASE_BEGAN" -u pagewarden-warm@t-shop.service.service | grep -Eq -- "$1"; }
wait_for 10 warmed 't-shop.service: warm start: 64M of 1 file read'

# Of another size: left alone, and the service starts.
head -c 1 /dev/urandom >>"$FILES/hot"
systemctl start t-shop.service
wait_for 10 warmed '1 file not what it was when the service stopped'

# Damaged: ignored, and the service starts.
systemctl stop t-shop.service
printf 'X' | dd of=$snapshot bs=1 seek=100 conv=notrunc status=none
systemctl start t-shop.service
wait_for 10 warmed 'snapshot is ignored: it is damaged: its checksum is another'
start_daemon
wait_for 30 journal_has 't-shop.service: its snapshot is ignored: it is damaged'
assert_match "$(pagewarden status)" 't-shop.service: warm start: it is damaged'

# A controller that ends remembers, too. Not wanted any more: forgotten.
wait_for 30 target_is t-shop.service .state active
systemctl restart pagewarden.service
wait_for 30 target_at_least t-shop.service .pin.restore.snapshot.files 1
sed -i 's/restore: true/restore: false/' /etc/pagewarden/policies.d/shop.yaml
pagewarden reload
gone() { [[ ! -e $snapshot ]]; }
wait_for 10 gone
systemctl daemon-reload
! drop_in || fail "the drop-in is left"
rm -f /run/systemd/system/t-shop.service
