/* SPDX-License-Identifier: MIT */
#include "kernel/fs_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/sysmacros.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

static void by_name(void **state)
{
    static const struct {
        const char *name;
        FsKind kind;
    } cases[] = {
        { "ext4", FS_LOCAL },         { "xfs", FS_LOCAL },       { "btrfs", FS_LOCAL },
        { "overlay", FS_LOCAL },      { "tmpfs", FS_LOCAL },     { "devtmpfs", FS_LOCAL },
        { "squashfs", FS_LOCAL },     { "zfs", FS_LOCAL },       { "", FS_LOCAL },
        { "of next year", FS_LOCAL }, { "nfsd", FS_LOCAL },      { "nfs", FS_NETWORK },
        { "nfs4", FS_NETWORK },       { "cifs", FS_NETWORK },    { "smb3", FS_NETWORK },
        { "9p", FS_NETWORK },         { "ceph", FS_NETWORK },    { "afs", FS_NETWORK },
        { "lustre", FS_NETWORK },     { "pvfs2", FS_NETWORK },   { "beegfs", FS_NETWORK },
        { "fuse", FS_FUSE },          { "fuse.sshfs", FS_FUSE }, { "fuseblk", FS_FUSE },
        { "virtiofs", FS_FUSE },      { "fusectl", FS_LOCAL },   { "proc", FS_KERNEL },
        { "sysfs", FS_KERNEL },       { "cgroup2", FS_KERNEL },  { "autofs", FS_KERNEL },
        { "debugfs", FS_KERNEL },     { "bpf", FS_KERNEL },      { "hugetlbfs", FS_KERNEL },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (fs_kind_of_name(cases[i].name) != cases[i].kind)
            fail_msg("%s", cases[i].name);
}

static void by_magic(void **state)
{
    assert_string_equal(fs_name_of_magic(NFS_SUPER_MAGIC), "nfs");
    assert_string_equal(fs_name_of_magic(0xff534d42), "cifs");
    assert_string_equal(fs_name_of_magic(0xfe534d42), "smb3"); /* negative as an int */
    assert_string_equal(fs_name_of_magic(0x01021997), "9p");
    assert_string_equal(fs_name_of_magic(0x00c36400), "ceph");
    assert_string_equal(fs_name_of_magic(0x65735546), "fuse");
    assert_string_equal(fs_name_of_magic(PROC_SUPER_MAGIC), "proc");
    assert_string_equal(fs_name_of_magic(EXT4_SUPER_MAGIC), "");
    assert_string_equal(fs_name_of_magic(OVERLAYFS_SUPER_MAGIC), "");
    assert_string_equal(fs_name_of_magic(TMPFS_MAGIC), "");
    assert_string_equal(fs_name_of_magic(BTRFS_SUPER_MAGIC), "");
    assert_string_equal(fs_name_of_magic(0), "");
}

/* From the list of mounts, and, where the mount is not in it, from the file system itself. */
static void of_a_descriptor(void **state)
{
    CLEANUP_CLOSE int proc = must(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    CLEANUP_CLOSE int root = must(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    char name[FS_NAME_MAX];
    struct statx st;

    must(statx(proc, "", AT_EMPTY_PATH, STATX_MNT_ID, &st));
    if (st.stx_mask & STATX_MNT_ID) {
        assert_int_equal(fs_name_of(root, st.stx_mnt_id, name), 0); /* the number is what counts */
        assert_string_equal(name, "proc");
    }
    assert_int_equal(fs_name_of(proc, 0, name), 0);
    assert_string_equal(name, "proc");
    assert_int_equal(fs_name_of(proc, UINT64_C(1) << 40, name), 0);
    assert_string_equal(name, "proc");
    assert_int_equal(fs_name_of(-1, 0, name), -EBADF);
    assert_string_equal(name, "proc");
}

static void of_a_device(void **state)
{
    CLEANUP_SCRATCH Scratch process = scratch_new("/tmp");
    char name[FS_NAME_MAX] = "untouched";

    assert_int_equal(fs_name_of_device(process.fd, makedev(0, 1), name), -ENOENT);
    scratch_put(&process, "mountinfo",
                "20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
                "21 20 0:45 /a /srv/\\040-\\040x rw master:1 propagate_from:2 - fuse.sshfs a:/ rw\n"
                "22 20 259:1048575 / /b rw - xfs /dev/nvme rw\n");
    assert_int_equal(fs_name_of_device(process.fd, makedev(1, 8), name), -ENOENT);
    assert_int_equal(fs_name_of_device(process.fd, makedev(0, 4), name), -ENOENT);
    assert_string_equal(name, "untouched");
    assert_int_equal(fs_name_of_device(process.fd, makedev(8, 1), name), 0);
    assert_string_equal(name, "ext4");
    assert_int_equal(fs_name_of_device(process.fd, makedev(0, 45), name), 0);
    assert_string_equal(name, "fuse.sshfs");
    assert_int_equal(fs_name_of_device(process.fd, makedev(259, 1048575), name), 0);
    assert_string_equal(name, "xfs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_name),
        cmocka_unit_test(by_magic),
        cmocka_unit_test(of_a_descriptor),
        cmocka_unit_test(of_a_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
