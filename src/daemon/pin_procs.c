/* SPDX-License-Identifier: MIT */
/* Between the last process of a service and the first of the next generation nobody has its
 * libraries mapped, and shortly after only some of them. To let go what is missing would have it
 * all unlocked, and read and locked again, at each restart: just when it is needed. So a file
 * counts as lost only while some process lives on that was there at the scan before: it, or its
 * kin, has really unmapped it. A unit whose processes are always others is not waited for. */
#include "daemon/pin_procs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/units.h"

/* Longer than a service needs to restart, with RestartSec= and all; a oneshot, or a unit of
 * short-lived processes, keeps for no longer what its last ones had mapped. */
#define PATIENCE_USEC (60 * USEC_PER_SEC)

static bool share_one(const Pids *a, const Pids *b)
{
    size_t i = 0, k = 0;

    while (i < a->n_pids && k < b->n_pids) {
        if (a->pids[i] == b->pids[k])
            return true;
        if (a->pids[i] < b->pids[k])
            i++;
        else
            k++;
    }
    return false;
}

int pin_processes_read(PinProcesses *processes)
{
    Pids now = { 0 };

    if (processes->cgroup_fd < 0)
        return -EOPNOTSUPP;
    int r = cgroup_pids(processes->cgroup_fd, processes->cgroup_path, &now);
    if (r < 0 && r != -ENOENT) /* it has ended, or is being restarted */
        return r;
    pids_clear(&processes->now);
    processes->now = now;
    processes->lost = !share_one(&processes->before, &now);
    return 0;
}

void pin_processes_clear(PinProcesses *processes)
{
    pids_clear(&processes->before);
    pids_clear(&processes->now);
    free(TAKE_PTR(processes->cgroup_path));
}

void pin_generation_clear(PinGeneration *generation)
{
    pids_clear(&generation->pids);
    *generation = (PinGeneration){ 0 };
}

static bool mean_processes(const PinRule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!rules[i].path)
            return true;
    return false;
}

static int copy_pids(const Pids *from, Pids *ret)
{
    pid_t *pids = NULL;

    if (from->n_pids > 0) {
        pids = malloc(from->n_pids * sizeof(pid_t));
        if (!pids)
            return -ENOMEM;
        memcpy(pids, from->pids, from->n_pids * sizeof(pid_t));
    }
    *ret = (Pids){ .pids = pids, .n_pids = from->n_pids, .room = from->n_pids };
    return 0;
}

int pin_generation_ask(PinGeneration *generation, const PinRule *rules, size_t n_rules,
                       const char *cgroup_path, uint64_t now, PinProcesses *processes)
{
    processes->wanted = mean_processes(rules, n_rules);
    if (!processes->wanted) {
        pin_generation_clear(generation);
        return 0;
    }
    if (generation->steady_usec == 0) /* the first look */
        generation->steady_usec = now;
    processes->patient = now - generation->steady_usec < PATIENCE_USEC;
    processes->cgroup_path = strdup(cgroup_path);
    return processes->cgroup_path ? copy_pids(&generation->pids, &processes->before) : -ENOMEM;
}

void pin_generation_note(PinGeneration *generation, PinProcesses *processes, uint64_t now)
{
    if (!processes->wanted)
        return;
    if (!processes->lost)
        generation->steady_usec = now;
    pids_clear(&generation->pids);
    generation->pids = TAKE(processes->now, (Pids){ 0 });
}
