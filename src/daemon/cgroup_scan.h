/* SPDX-License-Identifier: MIT */
#pragma once

/* Finds control groups that are no units, for policies with match.cgroups. */

#include "daemon/host.h"
#include "policy/set.h"

typedef struct CgroupScan CgroupScan;

/* @found is told the paths of all that a policy of @set matches and that may be governed, in the
 * order of their names; what is told is borrowed for the call. */
typedef struct CgroupScanHandler {
    void (*found)(char *const *paths, void *userdata);
    void *userdata;
} CgroupScanHandler;

int cgroup_scan_new(Host *host, const PolicySet *set, const CgroupScanHandler *handler,
                    CgroupScan **ret);

/* Takes NULL, returns NULL. */
CgroupScan *cgroup_scan_free(CgroupScan *scan);

DEFINE_CLEANUP(CgroupScan *, cgroup_scan_free)

/* To be called once an interval. Every five seconds a worker reads the tree, where some policy asks
 * for it or did so the last time. */
void cgroup_scan_tick(CgroupScan *scan, uint64_t now_usec);

/* The policies are others: the tree is read at the next tick, and what may not be governed is told
 * again. */
void cgroup_scan_reset(CgroupScan *scan);
