/* SPDX-License-Identifier: MIT */
#include "daemon/headroom.h"

#include <string.h>

#include "kernel/cgroup.h"
#include "kernel/meminfo.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/units.h"

/* The service's cgroup, and every slice above it; what cannot be read has no limit, as while the
 * service is being restarted. The root has none. @beside: the holder is charged in the slice. */
static uint64_t room_of_cgroups(const Host *host, const char *cgroup_path, bool beside)
{
    CLEANUP_FREE char *path = strdup(cgroup_path);
    uint64_t room = LIMIT_NONE;

    if (!path || host->cgroup_fd < 0)
        return room;
    for (bool own = true; *path; own = false) {
        cleanup(cgroup_freep) Cgroup *cgroup = NULL;
        Sample sample;
        if (cgroup_open(host->cgroup_fd, path, &cgroup) >= 0 &&
            cgroup_sample(cgroup, now_usec(), &sample) >= 0)
            room = min_u64(room,
                           own && beside ? pin_room_beside(&sample) : pin_room_cgroup(&sample));
        *strrchr(path, '/') = '\0';
    }
    return room;
}

static uint64_t room_for(const Host *host, const char *cgroup_path, bool beside, uint64_t bytes,
                         PinBound *bound)
{
    MemInfo info;
    PinBound host_bound;

    if (meminfo_read(host->proc_fd, &info) < 0) {
        *bound = PIN_BOUND_RESERVE;
        return 0;
    }
    PinHost now = {
        .budget = host->settings->pin_budget,
        .reserve = host->settings->reserve,
        .available = info.available,
        /* A holder that was not asked yet, or is out of reach, has its pages all the same. */
        .locked = max_u64(host->locked, info.mlocked),
    };
    uint64_t room = pin_room_host(&now, &host_bound);
    uint64_t cgroups = room_of_cgroups(host, cgroup_path, beside);
    if (room >= bytes && cgroups >= bytes)
        return bytes;

    *bound = cgroups < room ? PIN_BOUND_CGROUP : host_bound;
    return page_floor(min_u64(room, cgroups), host->page);
}

uint64_t headroom(const Host *host, const char *cgroup_path, uint64_t bytes, PinBound *bound)
{
    return room_for(host, cgroup_path, false, bytes, bound);
}

uint64_t headroom_beside(const Host *host, const char *cgroup_path, uint64_t bytes, PinBound *bound)
{
    return room_for(host, cgroup_path, true, bytes, bound);
}
