/* SPDX-License-Identifier: MIT */
#pragma once

/* Which file systems a walk keeps out of. */

#include <stdint.h>
#include <sys/types.h>

typedef enum FsKind {
    FS_LOCAL,   /* all that are not one of the others: disks, overlayfs, tmpfs, whatever is new */
    FS_NETWORK, /* a server, or the host of a virtual machine, answers: late, or never */
    FS_FUSE,    /* a process does, whose owner may be anybody */
    FS_KERNEL,  /* the kernel's own, which have no page cache (proc, sysfs, autofs …) */
} FsKind;

#define FS_NAME_MAX 64

/* Of a type as /proc/self/mountinfo and mount(8) name it: "nfs4", "fuse.sshfs". Pure. */
FsKind fs_kind_of_name(const char *name);

/* The name that goes with statfs(2)'s f_type, or "" for one that is FS_LOCAL. Pure. */
const char *fs_name_of_magic(uint32_t magic);

/* The type of the file system that @fd (O_PATH will do) is on, by the number of its mount (of
 * statx(2); 0: unknown). -errno. */
int fs_name_of(int fd, uint64_t mount, char ret[FS_NAME_MAX]);

/* The type of the mounted file system whose device is @dev (the superblock's, as /proc/PID/maps
 * tells it), from the file "mountinfo" in @process_fd, a folder of /proc. No file system is asked.
 * -ENOENT: none of these mounts has that device; -errno. */
int fs_name_of_device(int process_fd, dev_t dev, char ret[FS_NAME_MAX]);

/* The same by the number of the mount, as /proc/PID/fdinfo tells it. -ENOENT: the process does not
 * see that mount, as those of pipes, sockets and memfd. */
int fs_name_of_mount(int process_fd, uint64_t mount, char ret[FS_NAME_MAX]);

/* The device of that mount, as statx(2) tells it of its files but for btrfs. Errors likewise. */
int fs_device_of_mount(int process_fd, uint64_t mount, dev_t *ret);

#define FS_WHY_MAX (64 + FS_NAME_MAX)

/* "is on a network file system (nfs4), which is passed over". Of a kind other than FS_LOCAL. */
void fs_format_passed_over(FsKind kind, const char *name, char ret[FS_WHY_MAX]);
