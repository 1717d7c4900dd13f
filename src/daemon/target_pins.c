/* SPDX-License-Identifier: MIT */
#include "daemon/target_pins.h"

#include "kernel/mounts.h"
#include "util/strv.h"

void targets_rescan_pins(Target *const *targets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (targets[i]->pinner)
            pinner_rescan(targets[i]->pinner);
}

bool targets_have_let_go(Target *const *targets, size_t n, uint64_t since_usec)
{
    for (size_t i = 0; i < n; i++)
        if (targets[i]->pinner && !pinner_has_let_go(targets[i]->pinner, since_usec))
            return false;
    return true;
}

bool targets_use_holder(Target *const *targets, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (targets[i]->pinner && pinner_uses(targets[i]->pinner, name))
            return true;
    return false;
}

void targets_guard_mounts(Target *const *targets, size_t n, const Hands *hands, MountGuard *guard)
{
    cleanup(strv_freep) char **mounts = NULL;

    for (size_t i = 0; i < n; i++)
        STRV_FOREACH (mount, targets[i]->pinner ? pinner_mounts(targets[i]->pinner) : NULL)
            if (!strv_has(mounts, *mount) && strv_append(&mounts, *mount) < 0)
                return;
    if (hands_note_mounts(hands, &mounts) >= 0)
        mount_guard_want(guard, mounts);
}
