/* SPDX-License-Identifier: MIT */
#pragma once

/* systemd's units: which there are, what they are set to, and changing that. Asynchronous
 * throughout: every call returns at once with a slot; the callback comes from the loop, or never
 * once the slot is let go. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "systemd/bus.h"

/* One line of systemd's list. Valid during the callback. */
typedef struct UnitEntry {
    const char *name;         /* "shop.service" */
    const char *active_state; /* "active", "activating", "inactive", "failed", … */
    const char *object_path;
} UnitEntry;

/* What a unit is set to. Valid during the callback. */
typedef struct UnitDetails {
    const char *control_group; /* "/system.slice/shop.service"; "" while it has none */
    const char *slice;         /* "system.slice" */
    bool waits_for_warm_start; /* wants an instance of pagewarden-warm@.service */
    const char *fragment;      /* its own file; "" without one */
    char **drop_ins;           /* in the order in which they are read; NULL without any */
} UnitDetails;

typedef void (*units_listed_t)(int error, const UnitEntry *units, size_t n_units, void *userdata);
typedef void (*unit_described_t)(int error, const UnitDetails *details, void *userdata);
/* @error 0 or -errno; @message systemd's words, or NULL. */
typedef void (*unit_done_t)(int error, const char *message, void *userdata);

/* All units that systemd has loaded. */
int units_list(sd_bus *bus, sd_bus_slot **ret_slot, units_listed_t listed, void *userdata);

/* Asks systemd for its signals, and calls @changed after any of them that may mean that a unit
 * started, stopped, came or went; never during a daemon-reload, once after it. @reloading tells
 * when one begins, and when it has ended. */
typedef struct UnitWatch UnitWatch;
int unit_watch_new(sd_bus *bus, void (*changed)(void *userdata),
                   void (*reloading)(bool on, void *userdata), void *userdata, UnitWatch **ret);
UnitWatch *unit_watch_free(UnitWatch *watch);

int unit_describe(sd_bus *bus, sd_bus_slot **ret_slot, const char *object_path,
                  unit_described_t described, void *userdata);

/* SetUnitProperties(runtime): in force when @done is told 0, kept over daemon-reload and the unit's
 * restart in a drop-in. Bytes, LIMIT_NONE: infinity. */
int unit_set_memory_high(sd_bus *bus, sd_bus_slot **ret_slot, const char *unit, uint64_t bytes,
                         unit_done_t done, void *userdata);

/* The drop-in that SetUnitProperties(runtime) makes of MemoryHigh. Removing it leaves systemd's
 * property and the live file as they are, so they are to be set to what is wanted before. */
bool unit_high_dropin_exists(const char *unit);
void unit_high_dropin_remove(const char *unit);

/* Only where it says @bytes, for an admin's `systemctl set-property` uses the same file: removes
 * it, or has it say @before (not NULL) again, which counts from the next daemon-reload on. */
void unit_high_dropin_undo(const char *unit, uint64_t bytes, const uint64_t *before);

/* What the files of a unit say of MemoryHigh, bytes; LIMIT_NONE where they say nothing (that we
 * understand: fractions and ‰ are not). That drop-in is left out, and with @theirs what is read
 * before it, too: it was an admin's when that was overridden by it. Reads the files, which systemd
 * has just read. */
uint64_t unit_files_memory_high(const UnitDetails *details, uint64_t ram, bool theirs);

/* oom_score_adj of holders. The kernel lets a process go anywhere above what it was started with,
 * so a holder is started with the lowest, and told the one that its policy means: killed after what
 * it protects (services have 0, unless they say otherwise), or before it. */
#define HOLDER_SCORE_MIN        (-500)
#define HOLDER_SCORE_EXPENDABLE 500

/* Starts a holder as transient unit @name in @slice, with the listening socket @listen_fd as its
 * standard input (@listen_fd stays the caller's). @for_unit is for people. */
int holder_unit_start(sd_bus *bus, sd_bus_slot **ret_slot, const char *name, const char *slice,
                      const char *for_unit, int listen_fd, unit_done_t done, void *userdata);

/* Starts the unit that is part of the mount unit @stem.mount and, before that is stopped, has what
 * is pinned below @path released. -EEXIST: it is there; -ENAMETOOLONG. */
int mount_guard_unit_start(sd_bus *bus, sd_bus_slot **ret_slot, const char *stem, const char *path,
                           unit_done_t done, void *userdata);

/* Stops @unit; that it is not there is no error. @slot may be NULL: then nobody waits for the
 * answer. */
int unit_stop(sd_bus *bus, sd_bus_slot **ret_slot, const char *unit, unit_done_t done,
              void *userdata);
