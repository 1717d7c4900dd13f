# SPDX-License-Identifier: MIT
# timeout: 600
# A warm start over a real reboot: what a service had in memory when the machine went down is there again when
# the service starts, and how many of its first requests are served from memory, with and without. What is
# pinned is whole again by itself.
. /payload/tests/vm/pagewarden.sh

shop=/usr/libexec/pagewarden-tests/shop
snapshot=/var/lib/pagewarden/t-shop.service.snapshot
drop_in() { compgen -G "/run/systemd/generator/t-shop.service.d/*pagewarden*" >/dev/null; }
warmed() { journalctl -q -o cat -b -u pagewarden-warm@t-shop.service.service | grep -Eq -- "$1"; }
cold_is_read() { (($(resident "$FILES/cold") == 4 * MIB)); }
# unit NAME COMMAND…: a service that is started by every boot.
unit() {
    local name=$1
    shift
    printf '[Service]\nType=exec\nExecStart=%s\n[Install]\nWantedBy=multi-user.target\n' "$*" \
        >"/etc/systemd/system/$name.service"
    systemctl --quiet --no-reload enable "$name.service"
}

first_boot() {
    make_file hot 64
    make_file bare 64
    make_file kept 8
    make_file cold 4
    unit t-shop $shop --file "$FILES/hot" --rate 200 --report /run/t-shop.json
    systemctl daemon-reload
    ! drop_in || fail "a drop-in without a policy"
    policy kept <<POLICY
version: 1
match: { units: [t-kept.service] }
pin:
  budget: 8M
  files: [ { path: $FILES/kept } ]
POLICY
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
    wait_for 30 cold_is_read
    evict "$FILES/cold"
    systemctl stop t-shop.service
    wait_for 20 test -s $snapshot
    assert_eq "$(stat -c %a,%U "$snapshot" /var/lib/pagewarden | xargs)" "600,root 700,root"

    # The snapshot that is to help is written while the machine goes down. In the next boot the service ends when
    # it has served for 10 s, and so does one beside it that has no warm start.
    systemctl start t-shop.service
    wait_for 30 target_is t-shop.service .pin.locked $((64 * MIB))
    evict "$FILES/cold"
    rm -f $snapshot
    unit t-shop $shop --file "$FILES/hot" --rate 200 --seconds 10 --report /run/t-shop.json
    unit t-bare $shop --file "$FILES/bare" --rate 200 --seconds 10 --report /run/t-bare.json
    unit t-kept sleep infinity
    systemctl --quiet --no-reload enable pagewarden.service
    reboot_guest
}
((BOOT > 1)) || first_boot

# served UNIT: of its requests, a page each, how many were served from memory; in percent. By what it had the
# disk read: whether a request had to wait depends on the processor, too.
served() {
    jq -r '[0, (1 - .disk_bytes / (.requests * 4096)) * 100 | floor] | max' "/run/$1.json"
}
# when UNIT KEY: in microseconds of this boot.
when() {
    systemctl show --value --property="ExecMain$2TimestampMonotonic" -- "$1"
}
wait_for 60 test -s /run/t-shop.json
wait_for 30 test -s /run/t-bare.json
with=$(served t-shop)
without=$(served t-bare)
printf 'requests of the first 10 s served from memory: %s %% without a warm start, %s %% with\n' "$without" "$with"
((with >= 99 && without <= 60)) || fail "$without % without, $with % with"
warmed 't-shop.service: warm start: 64M of 1 file read' || fail "it was not the warm start"
(($(when pagewarden-warm@t-shop.service.service Exit) <= $(when t-shop.service Start))) || fail "nobody waited for it"
wait_for 60 target_is t-kept.service .pin.locked $((8 * MIB))
systemctl --quiet --no-reload disable --now pagewarden.service

# Of another size: left alone, and the service starts.
unit t-shop $shop --file "$FILES/hot" --rate 200
systemctl daemon-reload
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
systemctl --quiet --no-reload disable t-shop.service t-bare.service t-kept.service
