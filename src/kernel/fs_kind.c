/* SPDX-License-Identifier: MIT */
/* The type is looked up in /proc/self/mountinfo, because statfs(2) asks the server: on a dead NFS
 * server, or a FUSE process that hangs, it never returns. Only a mount that is not in the list (of
 * another namespace, or detached) is asked itself. */
#include "kernel/fs_kind.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "util/cleanup.h"

/* A magic number has the name of its first row; what <linux/magic.h> lacks is spelt out. */
static const struct {
    const char *name;
    uint32_t magic;
    FsKind kind;
} file_systems[] = {
    { "nfs", NFS_SUPER_MAGIC, FS_NETWORK },
    { "nfs4", NFS_SUPER_MAGIC, FS_NETWORK },
    { "cifs", CIFS_SUPER_MAGIC, FS_NETWORK },
    { "smb3", SMB2_SUPER_MAGIC, FS_NETWORK },
    { "smbfs", SMB_SUPER_MAGIC, FS_NETWORK },
    { "9p", V9FS_MAGIC, FS_NETWORK },
    { "ceph", CEPH_SUPER_MAGIC, FS_NETWORK },
    { "afs", AFS_FS_MAGIC, FS_NETWORK },
    { "afs", AFS_SUPER_MAGIC, FS_NETWORK }, /* OpenAFS */
    { "coda", CODA_SUPER_MAGIC, FS_NETWORK },
    { "ncpfs", NCP_SUPER_MAGIC, FS_NETWORK },
    { "lustre", 0x0bd00bd0, FS_NETWORK },
    { "gpfs", 0x47504653, FS_NETWORK },
    { "pvfs2", 0x20030528, FS_NETWORK }, /* OrangeFS */
    { "beegfs", 0x19830326, FS_NETWORK },
    { "vboxsf", 0x786f4256, FS_NETWORK },
    { "fuse", 0x65735546, FS_FUSE },
    { "fuseblk", 0x65735546, FS_FUSE },
    { "virtiofs", 0x65735546, FS_FUSE },
    { "autofs", AUTOFS_SUPER_MAGIC, FS_KERNEL },
    { "proc", PROC_SUPER_MAGIC, FS_KERNEL },
    { "sysfs", SYSFS_MAGIC, FS_KERNEL },
    { "cgroup", CGROUP_SUPER_MAGIC, FS_KERNEL },
    { "cgroup2", CGROUP2_SUPER_MAGIC, FS_KERNEL },
    { "debugfs", DEBUGFS_MAGIC, FS_KERNEL },
    { "tracefs", TRACEFS_MAGIC, FS_KERNEL },
    { "securityfs", SECURITYFS_MAGIC, FS_KERNEL },
    { "selinuxfs", SELINUX_MAGIC, FS_KERNEL },
    { "devpts", DEVPTS_SUPER_MAGIC, FS_KERNEL },
    { "bpf", BPF_FS_MAGIC, FS_KERNEL },
    { "efivarfs", EFIVARFS_MAGIC, FS_KERNEL },
    { "pstore", PSTOREFS_MAGIC, FS_KERNEL },
    { "binfmt_misc", BINFMTFS_MAGIC, FS_KERNEL },
    { "configfs", 0x62656570, FS_KERNEL },
    { "mqueue", 0x19800202, FS_KERNEL },
    { "resctrl", RDTGROUP_SUPER_MAGIC, FS_KERNEL },
    { "hugetlbfs", HUGETLBFS_MAGIC, FS_KERNEL },
};

FsKind fs_kind_of_name(const char *name)
{
    if (strncmp(name, "fuse.", 5) == 0)
        return FS_FUSE;
    for (size_t i = 0; i < ELEMENTS(file_systems); i++)
        if (strcmp(file_systems[i].name, name) == 0)
            return file_systems[i].kind;
    return FS_LOCAL;
}

const char *fs_name_of_magic(uint32_t magic)
{
    for (size_t i = 0; i < ELEMENTS(file_systems); i++)
        if (file_systems[i].magic == magic)
            return file_systems[i].name;
    return "";
}

/* "36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw", proc_pid_mountinfo(5): blanks in
 * names are escaped, so that the dash is the first to stand alone. */
static bool name_of_line(const char *line, char ret[FS_NAME_MAX])
{
    const char *name = strstr(line, " - ");
    if (!name)
        return false;
    name += strlen(" - ");
    snprintf(ret, FS_NAME_MAX, "%.*s", (int)strcspn(name, " \n"), name);
    return true;
}

static bool is_mount(const char *line, uint64_t mount)
{
    char *end;

    return strtoull(line, &end, 10) == mount && *end == ' ';
}

static bool device_of_line(const char *line, dev_t *ret)
{
    unsigned major_number, minor_number;

    if (sscanf(line, "%*u %*u %u:%u ", &major_number, &minor_number) != 2)
        return false;
    *ret = makedev(major_number, minor_number);
    return true;
}

static bool is_device(const char *line, uint64_t dev)
{
    dev_t own;

    return device_of_line(line, &own) && own == dev;
}

/* The first line that is the one of @key; to be freed. NULL: none. */
static char *find_line(FILE *list, bool (*is_it)(const char *line, uint64_t key), uint64_t key)
{
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, list) > 0)
        if (is_it(line, key))
            return TAKE_PTR(line);
    return NULL;
}

static int find_in(int process_fd, bool (*is_it)(const char *line, uint64_t key), uint64_t key,
                   char **ret)
{
    CLEANUP_CLOSE int fd = openat(process_fd, "mountinfo", O_RDONLY | O_CLOEXEC);
    CLEANUP_FCLOSE FILE *list = fd >= 0 ? fdopen(fd, "re") : NULL;
    if (!list)
        return -errno;
    TAKE_FD(fd);

    *ret = find_line(list, is_it, key);
    return *ret ? 0 : -ENOENT;
}

int fs_name_of(int fd, uint64_t mount, char ret[FS_NAME_MAX])
{
    CLEANUP_FCLOSE FILE *list = mount != 0 ? fopen("/proc/self/mountinfo", "re") : NULL;
    CLEANUP_FREE char *line = list ? find_line(list, is_mount, mount) : NULL;
    struct statfs fs;

    if (line && name_of_line(line, ret))
        return 0;
    if (fstatfs(fd, &fs) < 0)
        return -errno;
    snprintf(ret, FS_NAME_MAX, "%s", fs_name_of_magic((uint32_t)fs.f_type));
    return 0;
}

int fs_name_of_device(int process_fd, dev_t dev, char ret[FS_NAME_MAX])
{
    CLEANUP_FREE char *line = NULL;

    int r = find_in(process_fd, is_device, dev, &line);
    return r >= 0 && !name_of_line(line, ret) ? -ENOENT : r;
}

int fs_name_of_mount(int process_fd, uint64_t mount, char ret[FS_NAME_MAX])
{
    CLEANUP_FREE char *line = NULL;

    int r = find_in(process_fd, is_mount, mount, &line);
    return r >= 0 && !name_of_line(line, ret) ? -ENOENT : r;
}

int fs_device_of_mount(int process_fd, uint64_t mount, dev_t *ret)
{
    CLEANUP_FREE char *line = NULL;

    int r = find_in(process_fd, is_mount, mount, &line);
    return r >= 0 && !device_of_line(line, ret) ? -ENOENT : r;
}

void fs_format_passed_over(FsKind kind, const char *name, char ret[FS_WHY_MAX])
{
    const char *what = kind == FS_NETWORK ? "network" : kind == FS_FUSE ? "FUSE" : "kernel";

    snprintf(ret, FS_WHY_MAX, "is on a %s file system (%s), which is passed over", what, name);
}
