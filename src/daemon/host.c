/* SPDX-License-Identifier: MIT */
#include "daemon/host.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/pin_watch.h"
#include "kernel/cgroup.h"
#include "kernel/disks.h"
#include "kernel/meminfo.h"
#include "kernel/psi.h"
#include "util/io.h"

/* A look at a stream waits for whatever its files are on. So many of these may hang, or be slow,
 * before other streams are followed too late, or not at all. */
#define STREAM_WORKERS 4

void host_init(Host *host)
{
    host->root_fd = host->proc_fd = host->cgroup_fd = host->state_fd = -1;
    host->advised.dir_fd = -1;
}

static int open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int host_open(Host *host, const HostPlaces *places)
{
    MemInfo info;

    host->page = (uint64_t)sysconf(_SC_PAGESIZE);
    host->barred = barred_new();
    if (!host->barred)
        return -ENOMEM;
    host->state_fd = open_folder(places->state); /* recorders tell where they miss it */
    host->root_fd = open_folder(places->root);
    if (host->root_fd < 0)
        return host->root_fd;
    host->proc_fd = open_folder(places->proc);
    if (host->proc_fd < 0)
        return host->proc_fd;
    int r = meminfo_read(host->proc_fd, &info);
    if (r < 0)
        return r;
    host->ram = info.total;

    host->cgroup_fd = open_folder(places->cgroup_root);
    if (host->cgroup_fd >= 0 && cgroup_root_check(host->cgroup_fd) < 0)
        host->cgroup_fd = safe_close(host->cgroup_fd);
    host->has_psi = psi_probe(host->proc_fd) >= 0;
    host->disks_turn = disks_all_turn(host->root_fd, host->proc_fd);
    return 0;
}

int host_start(Host *host)
{
    int r = jobs_new(host->event, &host->advise_jobs);
    if (r >= 0)
        r = jobs_new(host->event, &host->back_jobs);
    if (r >= 0)
        r = jobs_new(host->event, &host->call_jobs);
    if (r >= 0)
        r = jobs_new(host->event, &host->evict_jobs);
    if (r >= 0)
        r = jobs_new(host->event, &host->pin_jobs);
    if (r >= 0)
        r = jobs_new(host->event, &host->reclaim_jobs);
    if (r >= 0)
        r = jobs_new(host->event, &host->snapshot_jobs);
    if (r >= 0)
        r = jobs_new(host->event, &host->stream_ask_jobs);
    if (r >= 0)
        r = jobs_new_many(host->event, STREAM_WORKERS, &host->stream_jobs);
    if (r >= 0)
        r = pin_watch_new(host->event, host->proc_fd, &host->watch);
    return r;
}

void host_close(Host *host)
{
    host->advise_jobs = jobs_free(host->advise_jobs);
    host->back_jobs = jobs_free(host->back_jobs);
    host->call_jobs = jobs_free(host->call_jobs);
    host->evict_jobs = jobs_free(host->evict_jobs);
    host->pin_jobs = jobs_free(host->pin_jobs);
    host->reclaim_jobs = jobs_free(host->reclaim_jobs);
    host->snapshot_jobs = jobs_free(host->snapshot_jobs);
    host->stream_ask_jobs = jobs_free(host->stream_ask_jobs);
    host->stream_jobs = jobs_free(host->stream_jobs);
    host->watch = pin_watch_free(host->watch);
    host->barred = barred_free(host->barred);
    advised_close(&host->advised);
    theirs_clear(&host->theirs);
    safe_close(host->state_fd);
    safe_close(host->cgroup_fd);
    safe_close(host->proc_fd);
    safe_close(host->root_fd);
    host_init(host);
}
