/* SPDX-License-Identifier: MIT */
#include "kernel/disks.h"

#include "unit/kernel/scratch.h"
#include "unit/test.h"

static void add_disk(const Scratch *root, const char *name, const char *rotational)
{
    char path[256];

    snprintf(path, sizeof path, "sys/block/%s/device/vendor", name);
    scratch_put(root, path, "ATA\n");
    snprintf(path, sizeof path, "sys/block/%s/queue/rotational", name);
    scratch_put(root, path, rotational);
}

static void all_of_them(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    assert_false(disks_all_turn(root.fd, root.fd));
    scratch_put(&root, "sys/block/loop0/queue/rotational", "0\n");
    scratch_put(&root, "sys/block/dm-0/queue/rotational", "1\n");
    assert_false(disks_all_turn(root.fd, root.fd));
    add_disk(&root, "sda", "1\n");
    assert_true(disks_all_turn(root.fd, root.fd));
    add_disk(&root, "nvme0n1", "0\n");
    assert_false(disks_all_turn(root.fd, root.fd));
}

static void what_a_hypervisor_says_is_not_believed(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp"), bare = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch guest = scratch_new("/tmp");

    scratch_put(&bare, "cpuinfo", "processor\t: 0\nflags\t\t: fpu ht\nbugs\t\t: hypervisor\n");
    scratch_put(&guest, "cpuinfo", "processor\t: 0\nflags\t\t: fpu ht hypervisor lahf_lm\n");
    add_disk(&root, "vda", "1\n");
    add_disk(&root, "xvda", "1\n");
    assert_false(disks_all_turn(root.fd, bare.fd));
    add_disk(&root, "sda", "1\n");
    assert_true(disks_all_turn(root.fd, bare.fd));
    assert_false(disks_all_turn(root.fd, guest.fd));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them),
        cmocka_unit_test(what_a_hypervisor_says_is_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
