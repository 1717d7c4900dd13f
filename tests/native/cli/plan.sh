#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagewarden plan` of systems in folders. plan.sh PAGEWARDEN [ONLY-READS]: without the latter it is
# not looked whether anything is changed.
set -u
# shellcheck source=tests/native/cli/lib.sh
. "$(dirname "$0")/lib.sh"
ONLY_READS=${2:+$(realpath "$2")}
DATA=$(realpath "$(dirname "$0")/../../data")

# policy NAME < TEXT: in the system in ./root.
policy() {
    mkdir -p root/etc/pagewarden/policies.d
    { echo "version: 1"; cat; } >"root/etc/pagewarden/policies.d/$1.yaml"
}

# A shop that runs, with files to pin and to evict.
shop() {
    mkdir -p root/sys/fs root/srv root/log
    cp -r "$DATA/cgroup/linux-6.12" root/sys/fs/cgroup
    head -c 20000 /dev/urandom >root/srv/a
    head -c 30000 /dev/urandom >root/srv/b
    head -c 5000 /dev/urandom >root/log/old
    policy shop <<'YAML'
match:
  units: [shop.service]
pin:
  budget: 32K
  files:
    - path: /srv/*
evict:
  - path: /log/*
memory_high:
  mode: fixed
  value: 16M
advise:
  - { path: /srv/a, access: random }
YAML
}

test_whole_plan() {
    shop
    run "$PAGEWARDEN" plan --root=root
    expect_code 0
    expect_err ""
    expect_out_has "shop: normal, enforce
  root/etc/pagewarden/policies.d/shop.yaml

Units: 1 matches now; memory.high: fixed
 USE HIGH  FLOOR PLANNED UNIT
344M 384M 318.5M  318.5M shop.service
  shop.service: what cannot be reclaimed is above the policy's value

Pins: 32K of a budget of 32K, 1 of 2 files whole, in this order
"
    expect_out_has "-- the budget ends here: 1 file, 17.3K not pinned --"
    expect_out_has "Evictions of /log/*: "
    expect_out_has "Read-ahead of /srv/a, where the units have it open: random"
    expect_out_has "
Host: with --root or --ram, it is not known how much memory is locked or available, and who has files open; "
    run "$PAGEWARDEN" plan --root=root --json=short shop
    expect_code 0
    expect_json '.policies | length == 1'
    expect_json '.policies[0].units[0] | .unit == "shop.service" and .planned.reason == "floor"'
    expect_json '[.policies[0].pin.files[] | [.path, .size, .pinned]] ==
        [["/srv/a", 20000, 20480], ["/srv/b", 30000, 12288]]'
    expect_json '.policies[0].evict.rules[0].matching == 1'
    expect_json '.policies[0].advise == [{"path": "/srv/a", "access": "random"}]'
    expect_json '.host | .pin_budget > 0 and .available == null and .processes_not_seen == null'
}

test_names_that_are_passed_over() {
    mkdir -p root/etc/pagewarden/policies.d
    touch root/etc/pagewarden/policies.d/x.yml
    run "$PAGEWARDEN" plan --root=root
    expect_code 0
    expect_out_has "Folders:
  root/etc/pagewarden/policies.d/x.yml: warning: is passed over (policies end in .yaml)
"
}

# It reads only. That the filter kills is seen, too.
test_changes_nothing() {
    local before after command
    shop
    before=$(find root -printf '%p %m %s %T@ %C@\n' | sort)
    run "$ONLY_READS" "$PAGEWARDEN" plan --root=root --all --bytes
    expect_code 0
    expect_out_has "shop.service"
    run "$ONLY_READS" "$PAGEWARDEN" plan --root=root --json=pretty
    expect_code 0
    after=$(find root -printf '%p %m %s %T@ %C@\n' | sort)
    [ "$before" = "$after" ] || fail "something was changed: $after"
    for command in "touch root/new" "rm root/srv/a" "vmtouch -qe root/srv/a" "vmtouch -ql root/srv/a" \
        "truncate -s 1 root/srv/a" "mv root/srv/a root/srv/c"; do
        # shellcheck disable=SC2086
        run "$ONLY_READS" $command
        expect_code $((128 + $(kill -l SYS)))
    done
}

test_names() {
    shop
    policy batch <<<"match: {units: [batch.service]}"
    run "$PAGEWARDEN" plan --root=root batch
    expect_code 0
    expect_out_has "batch: normal, enforce"
    expect_out_lacks "shop"
    run "$PAGEWARDEN" plan --root=root shpo batch
    expect_code 1
    expect_err 'pagewarden: there is no policy "shpo" (did you mean "shop"?)'
    expect_out_has "batch: normal, enforce"
    expect_out_lacks "shop"
    run "$PAGEWARDEN" plan --root=root --json=short shpo batch
    expect_code 1
    expect_json '[.policies[].name] == ["batch"]'
    run "$PAGEWARDEN" plan --root=root shpo
    expect_code 1
    expect_out ""
    run "$PAGEWARDEN" plan --root=root $'\e' pagewarden
    expect_code 1
    expect_err 'pagewarden: there is no policy "\x1b" (see pagewarden list-policies)
pagewarden: "pagewarden" is the name of the settings (see pagewarden cat-config pagewarden)'
    policy $'shop-\e[2J' <<<"match: {units: [a.service]}"
    run "$PAGEWARDEN" plan --root=root shop-
    expect_code 1
    expect_err 'pagewarden: there is no policy "shop-" (did you mean "shop-\x1b[2J"?)'
    policy pagewarden <<<"match: {units: [a.service]}"
    run "$PAGEWARDEN" plan --root=root pagewarden
    expect_code 0
    expect_out_has "pagewarden: normal, enforce"
}

test_not_in_force() {
    shop
    ln -s /dev/null root/etc/pagewarden/policies.d/masked.yaml
    mkdir root/etc/pagewarden/policies.d/lost.yaml.d
    echo "version: 1" >root/etc/pagewarden/policies.d/lost.yaml.d/a.yaml
    run "$PAGEWARDEN" plan --root=root
    expect_code 0
    run "$PAGEWARDEN" plan --root=root shop masked
    expect_code 1
    expect_out_has "masked: masked by root/etc/pagewarden/policies.d/masked.yaml"
    run "$PAGEWARDEN" plan --root=root lost
    expect_code 1
    expect_out_has "lost: there are only drop-ins, in root/etc/pagewarden/policies.d/lost.yaml.d"
}

# An image's links lead to what is in the image.
test_links_within_the_image() {
    shop
    mv root/sys outside
    ln -s "$PWD/outside" root/sys
    run "$PAGEWARDEN" plan --root=root
    expect_code 0
    expect_out_has "Units: not known: there is no cgroup v2 tree with the memory controller"
    rm root/sys
    mv outside root/kernel
    ln -s /kernel root/sys
    run "$PAGEWARDEN" plan --root=root
    expect_code 0
    expect_out_has "Units: 1 matches now"
}

test_refused() {
    shop
    policy bad <<<"mode: enforce"
    run "$PAGEWARDEN" plan --root=root
    expect_code 1
    expect_out_has 'bad: refused
  root/etc/pagewarden/policies.d/bad.yaml:1:1: "match" is missing'
    expect_out_has "shop: normal, enforce"
    run "$PAGEWARDEN" plan --root=root shop
    expect_code 0
    run "$PAGEWARDEN" plan --root=root bad
    expect_code 1
}

# The policies of a folder, and this system's units and files.
test_config_folder() {
    mkdir -p config/policies.d files
    head -c 5000 /dev/zero >files/a
    cat >config/policies.d/here.yaml <<YAML
version: 1
match:
  units: [pagewarden-test-that-is-not-there.service]
pin:
  budget: 1M
  files:
    - path: $PWD/files/*
YAML
    run "$PAGEWARDEN" plan --config=config --json=short
    expect_code 0
    expect_json "[.policies[].name] == [\"here\"]"
    expect_json "[.policies[0].pin.files[] | [.path, .size]] == [[\"$PWD/files/a\", 5000]]"
    expect_json '.policies[0].units == [] or .units_error != null'
    expect_json '.host.available > 0'
    run "$PAGEWARDEN" plan --config=config --root=/ --json=short
    expect_code 0
    expect_json '.host.available > 0'
    run "$PAGEWARDEN" plan --config=config --ram=1T --json=short
    expect_code 0
    expect_json '.host | .reserve > 0 and .available == null and .locked == null and .room == null'
}

# Whose files are unreadable, and whose processes, is told.
test_not_root() {
    shop
    chmod -R a+rX . .. 2>/dev/null
    chmod 0600 root/srv/a
    if [ "$(id -u)" != 0 ]; then
        TEST_SKIP="only root can become somebody else"
        return
    fi
    if ! setpriv --reuid=65534 --regid=65534 --clear-groups test -r root/srv/b; then
        TEST_SKIP="nobody cannot get here"
        return
    fi
    cp "$PAGEWARDEN" ./pagewarden
    run setpriv --reuid=65534 --regid=65534 --clear-groups ./pagewarden plan --root=root --json=short
    expect_code 0
    expect_json '.policies[0].pin.files[0] | .path == "/srv/a" and .resident == null'
    run setpriv --reuid=65534 --regid=65534 --clear-groups ./pagewarden plan \
        --config=root/etc/pagewarden --json=short
    expect_code 0
    expect_json '.host.processes_not_seen > 0'
    run setpriv --reuid=65534 --regid=65534 --clear-groups ./pagewarden plan \
        --config=root/etc/pagewarden
    expect_code 0
    expect_out_has "Who has files open is not known for sure: "
}

test_usage() {
    run "$PAGEWARDEN" plan --help
    expect_code 0
    expect_out_has "pagewarden plan [OPTION…] [NAME…]"
    run "$PAGEWARDEN" plan --json=x
    expect_code 2
    expect_err "pagewarden: --json takes pretty, short or off"
    run "$PAGEWARDEN" plan --nonsense
    expect_code 2
    run "$PAGEWARDEN" plan --root=none shop
    expect_code 1
    expect_err ""
    expect_out_has "none: No such file or directory"
}

[ "$ONLY_READS" ] || unset -f test_changes_nothing
tests whole_plan names not_in_force links_within_the_image names_that_are_passed_over refused config_folder not_root usage ${ONLY_READS:+changes_nothing}
