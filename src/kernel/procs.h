/* SPDX-License-Identifier: MIT */
#pragma once

/* Which processes are in a cgroup. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct Pids {
    pid_t *pids; /* rising, each once */
    size_t n_pids;
    size_t room; /* internal */
} Pids;

/* Those of the cgroup at @path below @root_fd ("/system.slice/shop.service", "/"; no ".."), and of
 * all below it. What vanishes or may not be read meanwhile is left out, and so are processes that
 * this process' PID namespace has no number for. *ret is for pids_clear() on success only. -ENOENT:
 * no such cgroup; -EINVAL: not an absolute path, or ".." in it; -ENOMEM, -EMFILE, -ENFILE. */
int cgroup_pids(int root_fd, const char *path, Pids *ret);
void pids_clear(Pids *pids);

bool pids_has(const Pids *pids, uint64_t pid);

/* Adds those of @more. -ENOMEM: maybe not all. */
int pids_append(Pids *pids, const Pids *more);

/* The cgroup of a process in the v2 hierarchy, "/system.slice/shop.service", to be freed. -ESRCH:
 * not known; -ENOMEM. */
int process_cgroup(int proc_fd, pid_t pid, char **ret);
