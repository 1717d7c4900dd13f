/* SPDX-License-Identifier: MIT */
/* A mount unit that is stopped runs umount(8) at once and fails while a file is pinned: a signal
 * that says so would come too late. What systemd does wait for is a unit that is ordered behind the
 * mount and is part of it. That cannot be the holder, or all pins of the service would go with one
 * file system. So each mount point gets a unit without a process, whose ExecStop= asks for the
 * release.
 *
 * Such units are never stopped from here, which would release what they guard; one that nobody
 * needs any more does no harm. */

#include "daemon/mount_guard.h"

#include <pagewarden/names.h>
#include <string.h>

#include "kernel/mounts.h"
#include "util/io.h"
#include "util/log.h"
#include "util/strv.h"
#include "util/units.h"

/* A unit that is there may be about to go, with a mount that is stopped and started again. */
#define AGAIN_USEC (10 * USEC_PER_SEC)

typedef struct Guarded {
    char *mount;
    char *unit; /* that guards it, without ".service" */
    bool started;
    uint64_t tried_usec;
    sd_bus_slot *starting;
} Guarded;

struct MountGuard {
    Host *host;
    Guarded **guarded; /* by pointer: systemd's answers find theirs */
    size_t n;
};

static Guarded *guarded_free(Guarded *guarded)
{
    sd_bus_slot_unref(guarded->starting);
    free(guarded->mount);
    free(guarded->unit);
    free(guarded);
    return NULL;
}

int mount_guard_new(Host *host, MountGuard **ret)
{
    MountGuard *guard = calloc(1, sizeof(MountGuard));
    if (!guard)
        return -ENOMEM;
    guard->host = host;
    *ret = guard;
    return 0;
}

MountGuard *mount_guard_free(MountGuard *guard)
{
    if (!guard)
        return NULL;
    for (size_t i = 0; i < guard->n; i++)
        guarded_free(guard->guarded[i]);
    free(guard->guarded);
    free(guard);
    return NULL;
}

static void on_started(int error, const char *message, void *userdata)
{
    Guarded *guarded = userdata;

    guarded->starting = sd_bus_slot_unref(guarded->starting);
    guarded->started = error >= 0;
    if (error < 0 && error != -EEXIST)
        log_warning("%s cannot be guarded: stopping its mount unit will fail while files on it are "
                    "pinned (%s)",
                    guarded->mount, message ?: strerror(-error));
}

static void start(MountGuard *guard, Guarded *guarded)
{
    guarded->tried_usec = now_usec();
    int r = mount_guard_unit_start(guard->host->bus, &guarded->starting,
                                   guarded->unit + strlen(PAGEWARDEN_MOUNT_UNIT_PREFIX),
                                   guarded->mount, on_started, guarded);
    if (r < 0)
        log_debug("%s: cannot be guarded: %s", guarded->mount, strerror(-r));
}

static bool is_guarded(const MountGuard *guard, const char *mount)
{
    for (size_t i = 0; i < guard->n; i++)
        if (strcmp(guard->guarded[i]->mount, mount) == 0)
            return true;
    return false;
}

static int add(MountGuard *guard, const char *mount)
{
    Guarded **grown = reallocarray(guard->guarded, guard->n + 1, sizeof(Guarded *));
    if (!grown)
        return -ENOMEM;
    guard->guarded = grown;
    Guarded *guarded = calloc(1, sizeof(Guarded));
    if (!guarded)
        return -ENOMEM;
    guarded->mount = strdup(mount);
    CLEANUP_FREE char *stem = mounts_unit_stem(mount);
    if (!stem || asprintf(&guarded->unit, PAGEWARDEN_MOUNT_UNIT_PREFIX "%s", stem) < 0)
        guarded->unit = NULL;
    if (!guarded->mount || !guarded->unit) {
        guarded_free(guarded);
        return -ENOMEM;
    }
    grown[guard->n++] = guarded;
    return 0;
}

void mount_guard_want(MountGuard *guard, char *const *mounts)
{
    uint64_t now = now_usec();

    if (!guard->host->bus)
        return;
    for (size_t i = guard->n; i-- > 0;)
        if (!strv_has(mounts, guard->guarded[i]->mount)) {
            guarded_free(guard->guarded[i]);
            guard->guarded[i] = guard->guarded[--guard->n];
        }
    STRV_FOREACH (mount, mounts)
        if (!is_guarded(guard, *mount) && add(guard, *mount) < 0)
            return;
    for (size_t i = 0; i < guard->n; i++) {
        Guarded *guarded = guard->guarded[i];
        if (!guarded->started && !guarded->starting &&
            (guarded->tried_usec == 0 || now - guarded->tried_usec >= AGAIN_USEC))
            start(guard, guarded);
    }
}

static bool is_running(const Guarded *guarded, const UnitEntry *units, size_t n)
{
    size_t length = strlen(guarded->unit);

    for (size_t i = 0; i < n; i++)
        if (strncmp(units[i].name, guarded->unit, length) == 0 &&
            strcmp(units[i].name + length, ".service") == 0)
            return strcmp(units[i].active_state, "active") == 0;
    return false;
}

void mount_guard_note_units(MountGuard *guard, const UnitEntry *units, size_t n_units)
{
    for (size_t i = 0; i < guard->n; i++)
        guard->guarded[i]->started = is_running(guard->guarded[i], units, n_units);
}

void mount_guard_bus_lost(MountGuard *guard)
{
    for (size_t i = 0; i < guard->n; i++) {
        Guarded *guarded = guard->guarded[i];
        guarded->starting = sd_bus_slot_unref(guarded->starting);
        guarded->started = false;
    }
}
