/* SPDX-License-Identifier: MIT */
/* The name of the file is the unit's, which has no "/" in it and tells templates' instances apart.
 */
#include "snapshot/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/io.h"

static int name_of(const char *unit, char name[static NAME_MAX + 1])
{
    if (!*unit || *unit == '.' || strchr(unit, '/'))
        return -EINVAL;
    int n = snprintf(name, NAME_MAX + 1, "%s" SNAPSHOT_SUFFIX, unit);
    return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

void snapshot_clear(Snapshot *snapshot)
{
    free(snapshot->data);
    *snapshot = (Snapshot){ 0 };
}

int snapshot_load(int dir_fd, const char *unit, Snapshot *ret, const char **ret_why)
{
    cleanup(snapshot_clear) Snapshot snapshot = { 0 };
    char name[NAME_MAX + 1];
    size_t size;

    int r = name_of(unit, name);
    if (r >= 0)
        r = read_file_alloc(dir_fd, name, SNAPSHOT_SIZE_MAX, &snapshot.data, &size);
    if (r == -E2BIG) {
        *ret_why = "it is larger than any snapshot";
        return -EBADMSG;
    }
    if (r < 0)
        return r;

    SnapshotFault fault = snapshot_read(snapshot.data, size, &snapshot.head, &snapshot.files);
    if (fault != SNAPSHOT_GOOD) {
        *ret_why = snapshot_fault_to_string(fault);
        return -EBADMSG;
    }
    if (strcmp(snapshot.head.unit, unit) != 0) {
        *ret_why = "it is of another unit";
        return -EBADMSG;
    }
    *ret = TAKE(snapshot, (Snapshot){ 0 });
    return 0;
}

int snapshot_save(int dir_fd, const char *unit, const SnapshotWriter *writer)
{
    char name[NAME_MAX + 1];

    int r = name_of(unit, name);
    return r < 0 ? r
                 : replace_file_at(dir_fd, name, (const char *)writer->data, writer->size, 0600);
}

int snapshot_remove(int dir_fd, const char *unit)
{
    char name[NAME_MAX + 1];

    int r = name_of(unit, name);
    if (r < 0)
        return r;
    return unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static bool is_old(int dir_fd, const char *name, uint64_t before_sec)
{
    size_t length = strlen(name), suffix = strlen(SNAPSHOT_SUFFIX);
    struct stat st;

    return length > suffix && strcmp(name + length - suffix, SNAPSHOT_SUFFIX) == 0 &&
           fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_mtim.tv_sec >= 0 && (uint64_t)st.st_mtim.tv_sec < before_sec;
}

int snapshot_remove_older(int dir_fd, uint64_t now_sec, uint64_t age_sec)
{
    int removed = 0;

    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    cleanup(closedirp) DIR *dir = fdopendir(fd);
    if (!dir) {
        safe_close(fd);
        return -ENOMEM;
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        if (now_sec > age_sec && is_old(dir_fd, entry->d_name, now_sec - age_sec) &&
            unlinkat(dir_fd, entry->d_name, 0) == 0)
            removed++;
    return removed;
}
