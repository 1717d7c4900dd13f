/* SPDX-License-Identifier: MIT */
/* Looking: what a scan is told, and what becomes of what it found. */

#include <string.h>

#include "daemon/pinner_state.h"
#include "daemon/released.h"
#include "systemd/units.h"
#include "util/io.h"
#include "util/log.h"
#include "util/strv.h"

static int copy_inputs(Pinner *p, PinScan *scan)
{
    int r = pin_rules_copy(p->rules, p->n_rules, &scan->rules);
    if (r < 0)
        return r;
    scan->n_rules = p->n_rules;
    scan->held = held_share(&p->held);
    scan->order = p->order;
    scan->only_held = p->withheld;
    scan->root_fd = p->host->root_fd;
    scan->walk_flags = host_walk_flags(p->host);
    r = p->host->released ? released_paths(p->host->released, &scan->avoid) : 0;
    if (r < 0)
        return r;
    scan->fill = p->charge == PIN_CHARGE_SERVICE;
    recharge_prepare(&p->recharge, p->host, p->cgroup_path, p->charge,
                     pinner_is_measured(p) ? &p->measured : NULL, p->sum,
                     p->bound != PIN_BOUND_NONE || p->withheld, scan);
    r = warmed_copy(&p->warmed, &scan->warmed); /* this scan may be given up */
    if (r < 0)
        return r;
    scan->budget = p->budget;
    scan->page = p->host->page;
    scan->processes.proc_fd = p->host->proc_fd;
    scan->processes.cgroup_fd = p->host->cgroup_fd;
    return pin_generation_ask(&p->generation, p->rules, p->n_rules, p->cgroup_path, now_usec(),
                              &scan->processes);
}

/* Takes @scan over. */
void pinner_apply(Pinner *p, PinScan *scan, bool refresh)
{
    int score = holder_score(p->keeps);
    PinApplySetup setup = {
        .host = p->host,
        .cgroup_path = p->cgroup_path,
        .held = &p->held,
        .problems = &p->problems,
        .refresh = refresh,
        .tell_score = TAKE(p->score, score) != score,
        .score = score,
        .fill = p->charge == PIN_CHARGE_SERVICE,
        .ready = pinner_next_request,
        .userdata = p,
    };

    p->last_bound = TAKE(p->bound, PIN_BOUND_NONE);
    p->apply = pin_apply_new(&setup, scan);
    if (!p->apply) {
        pinner_rest(p);
        return;
    }
    p->warmed_sum = pin_apply_warmed(p->apply);
    pinner_enter(p, PINNER_APPLYING);
    pinner_next_request(p);
}

static void begin_applying(Pinner *p, PinScan *scan)
{
    strv_free(p->mounts);
    p->mounts = TAKE_PTR(scan->mounts);
    pin_problems_clear(&p->problems);
    p->problems = TAKE(scan->problems, (PinProblems){ 0 });
    free(p->unheld);
    p->unheld = TAKE_PTR(scan->unheld);
    p->n_unheld = scan->n_unheld;
    p->unsure = false;
    p->wanted_files = scan->n_wishes;
    p->wanted_sum = scan->wanted;
    pinner_apply(p, scan, TAKE(p->refresh, false) && !p->withheld);
}

static void on_scanned(Job *job, void *owner)
{
    Pinner *p = owner;

    PinScan *scan = pin_scan_take((PinScan *)job);
    p->scanning = NULL;
    bool good = scan && scan->error >= 0;
    pin_follow_scanned(&p->follow, good ? &scan->folders : NULL);
    if (good) {
        recharge_scanned(&p->recharge, scan, now_usec());
        pin_generation_note(&p->generation, &scan->processes, now_usec());
        begin_applying(p, scan);
        return;
    }
    log_warning("%s: cannot look for the files to pin: %s", p->unit,
                strerror(scan ? -scan->error : ENOMEM));
    pin_scan_free(scan);
    pinner_rest(p);
}

void pinner_start_scan(Pinner *p)
{
    pinner_drop_scan(p);
    PinScan *scan = pin_scan_new(on_scanned, p);
    if (!scan || copy_inputs(p, scan) < 0) {
        pin_scan_free(scan);
        pinner_rest(p);
        return;
    }

    scan->folders = pin_follow_begin(&p->follow);
    p->scanning = scan;
    p->changed = p->requested = p->pinned = p->hurry = false;
    pinner_enter(p, PINNER_SCANNING);
    jobs_submit(p->host->pin_jobs, &scan->job);
}
