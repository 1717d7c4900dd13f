/* SPDX-License-Identifier: MIT */
/* statx(AT_STATX_DONT_SYNC) is used throughout, because fstat() on a network file system asks a
 * server, which may never answer. The file system's type is looked up only where another mount, or
 * another device (a btrfs subvolume), begins; the rest inherits it. */
#include "kernel/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/cleanup.h"

/* O_DIRECTORY is what sets an automount off. */
int entry_open(int dir_fd, const char *name, bool automount)
{
    const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    int fd = -1;

    if (automount)
        fd = openat(dir_fd, name, flags | O_DIRECTORY);
    if (!automount || (fd < 0 && errno == ENOTDIR))
        fd = openat(dir_fd, name, flags);
    return fd < 0 ? -errno : fd;
}

int entry_open_file(int dir_fd, const char *name)
{
    static const struct open_how how = {
        .flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
        .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
    };
    int fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof how);

    return fd < 0 ? -errno : fd;
}

static void stat_of_statx(const struct statx *from, struct stat *ret)
{
    *ret = (struct stat){
        .st_dev = makedev(from->stx_dev_major, from->stx_dev_minor),
        .st_ino = from->stx_ino,
        .st_mode = from->stx_mode,
        .st_nlink = from->stx_nlink,
        .st_uid = from->stx_uid,
        .st_gid = from->stx_gid,
        .st_size = (off_t)from->stx_size,
        .st_blocks = (blkcnt_t)from->stx_blocks,
        .st_blksize = (blksize_t)from->stx_blksize,
        .st_atim = { from->stx_atime.tv_sec, from->stx_atime.tv_nsec },
        .st_mtim = { from->stx_mtime.tv_sec, from->stx_mtime.tv_nsec },
        .st_ctim = { from->stx_ctime.tv_sec, from->stx_ctime.tv_nsec },
    };
}

/* A FUSE file system tells root nothing without allow_other. Asked for nothing, the kernel still
 * tells which mount and device it is (fuse_getattr() in fs/fuse/dir.c). */
static int stat_name(int fd, const char *name, Entry *entry)
{
    const int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
    struct statx st;

    int r = statx(fd, name, flags, STATX_BASIC_STATS | STATX_MNT_ID, &st);
    if (r < 0 && errno == EACCES)
        r = statx(fd, name, flags, 0, &st);
    if (r < 0)
        return -errno;
    stat_of_statx(&st, &entry->st);
    entry->mount = st.stx_mask & STATX_MNT_ID ? st.stx_mnt_id : 0;
    return 0;
}

bool entry_same_mount(const Entry *a, const Entry *b)
{
    return a->mount == b->mount && a->st.st_dev == b->st.st_dev;
}

static void inherit_kind(const Entry *folder, Entry *entry)
{
    entry->kind = folder->kind;
    memcpy(entry->fs, folder->fs, sizeof entry->fs);
}

int entry_stat(int fd, const Entry *folder, Entry *ret)
{
    Entry entry = { 0 };

    int r = stat_name(fd, "", &entry);
    if (r < 0)
        return r;
    if (folder && entry_same_mount(&entry, folder)) {
        inherit_kind(folder, &entry);
    } else {
        r = fs_name_of(fd, entry.mount, entry.fs);
        if (r < 0)
            return r;
        entry.kind = fs_kind_of_name(entry.fs);
    }
    entry.roots = (!folder || folder->roots) && entry.kind == FS_LOCAL &&
                  S_ISDIR(entry.st.st_mode) && entry.st.st_uid == 0 &&
                  (entry.st.st_mode & (S_IWGRP | S_IWOTH)) == 0;

    *ret = entry;
    return 0;
}

int entry_stat_named(int fd, Entry *ret)
{
    Entry entry = { 0 };

    int r = stat_name(fd, "", &entry);
    if (r < 0)
        return r;
    if (!S_ISREG(entry.st.st_mode))
        return entry_stat(fd, NULL, ret);
    *ret = entry;
    return 0;
}

int entry_stat_name(int dir_fd, const char *name, const Entry *folder, Entry *ret)
{
    Entry entry = { 0 };

    int r = stat_name(dir_fd, name, &entry);
    if (r < 0)
        return r;
    if (!entry_same_mount(&entry, folder))
        return -EXDEV;
    inherit_kind(folder, &entry);
    *ret = entry;
    return 0;
}

bool entry_error_is_ours(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}
