/* SPDX-License-Identifier: MIT */
/* The tree is read whole, by a worker, every few seconds: inotify would need a watch for each
 * control group that there is, and a container that is found some seconds late has not filled its
 * cache yet.
 *
 * A unit of the system manager's is not told: it is governed through systemd, whatever glob matches
 * it. A unit of another systemd, a user's or a container's, is not governed at all: that one writes
 * its limits again whenever it likes. */
#include "daemon/cgroup_scan.h"

#include <string.h>

#include "kernel/cgroup_names.h"
#include "kernel/units.h"
#include "util/io.h"
#include "util/log.h"
#include "util/strv.h"
#include "util/units.h"

#define SCAN_EVERY_USEC (5 * USEC_PER_SEC)

/* Who may make control groups is not always who writes policies: none of them is to have all of our
 * descriptors, of which one that is governed takes a dozen, or of the journal. */
#define GOVERNED_MAX 1000
/* Bytes. So all of them fit into the records of what is to be put back, with room for units. */
#define PATH_LENGTH_MAX 1000
#define REFUSED_MAX     20

typedef struct ScanJob {
    Job job;
    int cgroup_fd;
    int error;
    CgroupNames names;
} ScanJob;

struct CgroupScan {
    Host *host;
    const PolicySet *set;
    CgroupScanHandler handler;
    Job *job;
    uint64_t scanned_usec;
    bool any;       /* something was told last time */
    char **refused; /* that was told of */
    bool told_full;
};

int cgroup_scan_new(Host *host, const PolicySet *set, const CgroupScanHandler *handler,
                    CgroupScan **ret)
{
    CgroupScan *s = calloc(1, sizeof(CgroupScan));
    if (!s)
        return -ENOMEM;

    s->host = host;
    s->set = set;
    s->handler = *handler;
    *ret = s;
    return 0;
}

CgroupScan *cgroup_scan_free(CgroupScan *s)
{
    if (!s)
        return NULL;
    job_abandon(s->job);
    strv_free(s->refused);
    free(s);
    return NULL;
}

/* On the worker */

static void run(Job *job)
{
    ScanJob *s = (ScanJob *)job;

    s->error = cgroup_names_read(s->cgroup_fd, &s->names);
}

static void destroy(Job *job)
{
    ScanJob *s = (ScanJob *)job;

    cgroup_names_clear(&s->names);
    free(s);
}

/* In the loop */

/* Said once for each of the first. */
static void refuse(CgroupScan *s, const char *path, const char *why)
{
    if (strv_has(s->refused, path) || strv_length(s->refused) >= REFUSED_MAX)
        return;
    log_warning("%s: not governed: %s", path, why);
    (void)strv_append(&s->refused, path);
}

static bool has_space(const char *path)
{
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == '\x7f')
            return true;
    return false;
}

static bool may_be_governed(CgroupScan *s, const char *path)
{
    CgroupKeeper keeper = cgroup_keeper(path);

    if (keeper == KEEPER_SYSTEMD || !policy_set_match(s->set, NULL, path, NULL))
        return false;
    if (has_space(path)) {
        refuse(s, "a control group", "its name has white space");
        return false;
    }
    if (strlen(path) > PATH_LENGTH_MAX) {
        refuse(s, path, "its path has more than 1000 bytes");
        return false;
    }
    if (keeper == KEEPER_OTHER)
        refuse(s, path, "another systemd keeps it, a user's or a container's");
    return keeper == KEEPER_NOBODY;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void done(Job *job, void *owner)
{
    ScanJob *scan = (ScanJob *)job;
    CgroupScan *s = owner;
    cleanup(strv_freep) char **paths = NULL;
    size_t n = 0;

    s->job = NULL;
    if (scan->error < 0) {
        log_warning("The control groups cannot be read: %s", strerror(-scan->error));
        return;
    }
    /* They come in the order in which they were made. */
    for (size_t i = 0; i < scan->names.n_names && n < GOVERNED_MAX; i++) {
        if (!may_be_governed(s, scan->names.names[i].path))
            continue;
        if (strv_append(&paths, scan->names.names[i].path) < 0)
            return; /* and the next one tries again */
        n++;
    }
    if (n == GOVERNED_MAX && !s->told_full)
        log_warning("%d control groups are governed, and no more will be", GOVERNED_MAX);
    s->told_full |= n == GOVERNED_MAX;
    if (n > 0)
        qsort(paths, n, sizeof(char *), compare);
    s->any = n > 0;
    s->handler.found(paths, s->handler.userdata);
}

void cgroup_scan_tick(CgroupScan *s, uint64_t now)
{
    bool wanted = s->any || policy_set_has_cgroups(s->set);

    if (!wanted || s->job || s->host->cgroup_fd < 0 ||
        (s->scanned_usec > 0 && now - s->scanned_usec < SCAN_EVERY_USEC))
        return;
    ScanJob *scan = calloc(1, sizeof(ScanJob));
    if (!scan)
        return;
    s->scanned_usec = now;
    scan->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = s };
    scan->cgroup_fd = s->host->cgroup_fd;
    s->job = &scan->job;
    jobs_submit(s->host->snapshot_jobs, s->job);
}

void cgroup_scan_reset(CgroupScan *s)
{
    s->scanned_usec = 0;
    s->refused = strv_free(s->refused);
    s->told_full = false;
}
