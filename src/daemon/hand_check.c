/* SPDX-License-Identifier: MIT */
/* The path is where a file was found when it was pinned, without links. It is opened as a policy's
 * files are, following no link, and counts only if it leads to the very inode that was handed over:
 * so nothing is opened for the caller that he had not opened himself. */

#include "daemon/hand_check.h"

#include <string.h>

#include "kernel/mounts.h"
#include "util/strv.h"

/* Without them, nobody guards them. */
static void note_mounts(HandCheck *check)
{
    cleanup(strv_freep) char **table = NULL;

    if (mounts_read(check->proc_fd, &table) < 0)
        return;
    for (size_t i = 0; i < check->list.n_files; i++) {
        char path[SELECTED_PATH_MAX];
        if (check->fds[i] >= 0 &&
            mounts_note(&check->mounts, table, selected_path(&check->list.files[i], path)) < 0)
            return;
    }
}

static void run(Job *job)
{
    HandCheck *check = (HandCheck *)job;
    SelectScope scope = {
        .root_fd = check->root_fd,
        .flags = check->walk_flags,
    };
    struct stat st;

    selected_files_open(&scope, check->list.files, check->list.n_files, check->fds);
    for (size_t i = 0; i < check->list.n_files; i++)
        if (check->fds[i] >= 0 && fstat(check->fds[i], &st) == 0)
            check->list.files[i].size = (uint64_t)st.st_size;
    note_mounts(check);
}

static void destroy(Job *job)
{
    hand_check_free((HandCheck *)job);
}

HandCheck *hand_check_new(const Host *host, void (*done)(Job *job, void *owner), void *owner)
{
    HandCheck *check = calloc(1, sizeof(HandCheck));
    if (!check)
        return NULL;

    check->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = owner };
    check->root_fd = host->root_fd;
    check->proc_fd = host->proc_fd;
    check->walk_flags = host_walk_flags(host);
    return check;
}

void hand_check_free(HandCheck *check)
{
    if (!check)
        return;
    for (size_t i = 0; i < check->list.n_files; i++)
        safe_close(check->fds[i]);
    selected_files_clear(&check->list);
    strv_free(check->mounts);
    free(check);
}

bool hand_check_add(HandCheck *check, const char *path, uint64_t dev, uint64_t ino)
{
    const struct stat id = { .st_dev = dev, .st_ino = ino };
    size_t n = check->list.n_files;

    if (n == ELEMENTS(check->fds))
        return false;
    if (selected_files_add(&check->list, path, NULL, &id, 0) >= 0)
        check->fds[n] = -ECANCELED;
    return true;
}

bool hand_check_is_gone(const HandCheck *check, size_t i)
{
    int error = check->fds[i];

    return error == -ENOENT || error == -ESTALE || error == -ENOTDIR || error == -EINVAL;
}
