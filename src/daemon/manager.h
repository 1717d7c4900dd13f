/* SPDX-License-Identifier: MIT */
#pragma once

/* Owns the loop and every object; see manager.c. */

#include <json-c/json.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "config/places.h"
#include "daemon/hands.h"
#include "daemon/releasing.h"
#include "util/cleanup.h"

typedef struct Manager Manager;

typedef struct ManagerOptions {
    ConfigPlaces config;     /* what it points to outlives the manager */
    const char *runtime;     /* the folder with the ledger and the holders' sockets */
    const char *state;       /* the folder with the snapshots */
    const char *root;        /* "/" */
    const char *proc;        /* "/proc" */
    const char *cgroup_root; /* "/sys/fs/cgroup" */
    bool debug;              /* log_level is debug, whatever the settings say */
} ManagerOptions;

/* Loads the policies, puts back what a controller before us left, and is then ready for the loop.
 */
int manager_new(sd_event *event, const ManagerOptions *options, Manager **ret);

/* Leaves holders and limits in force. Takes NULL, returns NULL. */
Manager *manager_free(Manager *manager);

DEFINE_CLEANUP(Manager *, manager_free)

/* After the loop: puts every limit back, and takes last snapshots. Waits for systemd and disks. */
int manager_end(Manager *manager);

/* Reads the policies again, on a worker. @done (may be NULL) is told NULL when the new ones are in
 * force, or all mistakes, one a line, when nothing was changed; always once, at the latest by
 * manager_free(). */
typedef void (*manager_reloaded_t)(const char *errors, void *userdata);
int manager_reload(Manager *manager, manager_reloaded_t done, void *userdata);

/* Limits are given back at once and nothing is evicted, or all of it goes on; kept over restarts. 0
 * or -errno, and then nothing has changed. */
int manager_pause(Manager *manager, bool on);

/* Tells systemd, once, that the start is over: whoever has waited for it can ask for `status`. */
void manager_tell_ready(Manager *manager);

/* The manager's. */
Releasing *manager_releasing(Manager *manager);

/* What `status` shows; a reference for the caller. NULL: out of memory. */
json_object *manager_describe(Manager *manager);

/* What is pinned by hand; the manager's. */
Hands *manager_hands(Manager *manager);

/* The files that the holder of @unit's policy has, sorted by pin_held_compare(); valid until the
 * loop goes on. -ENOENT: no such unit is governed. */
int manager_pinned(const Manager *manager, const char *unit, const PinHeld **ret, size_t *ret_n);
