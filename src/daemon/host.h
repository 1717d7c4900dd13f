/* SPDX-License-Identifier: MIT */
#pragma once

/* What all parts of the controller stand on. Owned by the manager; everything else borrows it. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "daemon/advised.h"
#include "daemon/jobs.h"
#include "daemon/ledger.h"
#include "daemon/theirs.h"
#include "evict/barred.h"
#include "kernel/walk.h"
#include "policy/settings.h"

struct Leftovers;
struct Pinned;
struct PinWatch;
struct Released;

typedef struct Host {
    sd_event *event;
    sd_bus *bus; /* NULL while the system bus is away */
    Ledger *ledger;
    Advised advised;
    Barred *barred; /* files that nothing may evict */
    Theirs theirs;
    const struct Leftovers *leftovers; /* NULL: there are none */

    /* Queues apart, so that a long walk delays neither a pin nor a squeeze. */
    Jobs *advise_jobs;
    Jobs *call_jobs; /* looks at files that somebody waits for: distress, a cap */
    Jobs *evict_jobs;
    Jobs *pin_jobs;
    Jobs *back_jobs; /* limits that are given back, and reclaim without a bound for that */
    Jobs *reclaim_jobs;
    Jobs *snapshot_jobs;
    Jobs *stream_ask_jobs;
    Jobs *stream_jobs; /* several at a time */

    int root_fd;   /* "/" */
    int proc_fd;   /* /proc */
    int cgroup_fd; /* /sys/fs/cgroup; -1: no v2 memory controller there */
    int state_fd;  /* /var/lib/pagewarden, with snapshots; -1: there is none */
    const char *holders_path;
    struct PinWatch *watch;
    struct Pinned *pinned;     /* NULL: nothing is */
    struct Released *released; /* in force; NULL: nothing can be */

    const Settings
        *settings; /* in force; never NULL, and what it points to may change at a reload */
    uint64_t ram;  /* bytes */
    uint64_t page; /* bytes */
    bool has_psi;
    bool disks_turn;  /* all of them */
    bool paused;      /* limits go back and nothing is evicted; pins stay */
    bool reloading;   /* systemd reads its units' files: it is asked for no limit */
    unsigned reloads; /* how often it has, as far as we know; what they say may have changed */
    uint64_t locked;  /* bytes, by all holders; each pinner keeps its part up to date */
} Host;

typedef struct HostPlaces {
    const char *root, *proc, *cgroup_root, *state;
} HostPlaces;

/* Makes host_close() harmless. */
void host_init(Host *host);

/* Opens the folders, and finds out what this machine can and cannot do. On failure too, whatever is
 * open is for host_close(). */
int host_open(Host *host, const HostPlaces *places);

/* The queues of jobs, and the watch, in the loop of host->event. */
int host_start(Host *host);

/* Ends the jobs, and closes everything; the event is its owner's. */
void host_close(Host *host);

/* Where walks for policies go. */
static inline WalkFlags host_walk_flags(const Host *host)
{
    return host->settings->refuse_network_filesystems ? 0 : WALK_NETWORK;
}
