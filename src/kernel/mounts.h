/* SPDX-License-Identifier: MIT */
#pragma once

/* The table of mounts: what a path is on. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Mount points, as PID 1 sees them, which is where systemd's mount units are. NULL-terminated, to
 * be freed by strv_free(). @proc_fd is of /proc. -errno. */
int mounts_read(int proc_fd, char ***ret);

/* The device numbers of all that is mounted but the file system that @path is on, to be freed. What
 * is on that one has any other number: its own, or, on btrfs and overlayfs, one that is in no
 * table. -errno. */
int mounts_other_devices(int proc_fd, const char *path, dev_t **ret, size_t *ret_n);

/* The longest mount point that @path, which is absolute, is or is below of; NULL: none. */
const char *mounts_above(char *const *mounts, const char *path);

/* Adds the mount point that @path is on to *set, unless it is "/" or there already. -ENOMEM. */
int mounts_note(char ***set, char *const *mounts, const char *path);

/* The name of the mount unit of @point, without ".mount": "srv-data" of /srv/data. NULL: out of
 * memory, or it is "/". To be freed. */
char *mounts_unit_stem(const char *point);
