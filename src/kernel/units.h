/* SPDX-License-Identifier: MIT */
#pragma once

/* Which units run, as systemd's part of the cgroup tree tells without a bus. */

#include <stdbool.h>
#include <stddef.h>

typedef struct RunningUnit {
    char *name;   /* "shop.service" */
    char *cgroup; /* below the cgroup root, as systemd's ControlGroup property has it */
} RunningUnit;

typedef struct RunningUnits {
    RunningUnit *units; /* by name, in byte order */
    size_t n_units;
    size_t n_allocated; /* internal */
} RunningUnits;

/* Units of the system manager that have a cgroup: slices, what is in them, and the root slice. What
 * a service or scope makes below its own cgroup (user@1000.service its user's units) is its own
 * affair. *ret is for running_units_clear() on success only. What vanishes meanwhile, or may not be
 * read, is left out. -ENOMEM, -EMFILE, -ENFILE, or what reading the folder @root_fd fails with. */
int running_units_read(int root_fd, RunningUnits *ret);
void running_units_clear(RunningUnits *list);

/* The cgroup of the running @unit, as above; of what begins with a slash, itself, without one at
 * its end. To be freed.
 * -ENOENT: no such unit runs; or as running_units_read(). */
int running_unit_cgroup(int root_fd, const char *unit, char **ret);

/* NULL: no such unit runs. */
const RunningUnit *running_units_find(const RunningUnits *list, const char *name);

/* Who decides about a cgroup's limits. */
typedef enum CgroupKeeper {
    KEEPER_NOBODY,  /* that we know of: what is delegated, and containers without systemd */
    KEEPER_SYSTEMD, /* it is a unit of the system manager's */
    KEEPER_OTHER,   /* a unit of another systemd: a user's, or one in a container */
} CgroupKeeper;

/* By its name alone: "/docker/1f", "/system.slice/shop.service", and
 * "/user.slice/user-1000.slice/user@1000.service/app.slice". Pure. */
CgroupKeeper cgroup_keeper(const char *path);

/* The unit of the system manager that a cgroup belongs to: of "/system.slice/shop.service/worker"
 * "shop.service"; of a slice itself, or what is no unit in it, the slice. To be freed; NULL: out of
 * memory. Pure. */
char *unit_of_cgroup(const char *path);
