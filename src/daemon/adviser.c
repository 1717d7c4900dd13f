/* SPDX-License-Identifier: MIT */
/* What a file's read-ahead is the kernel tells nobody, so every look advises all descriptors anew:
 * those that were advised lose nothing by it, and a number that is used again needs no care. What
 * is in force is what is noted (advised.h); what is noted and not wanted is made normal by the next
 * look, and then forgotten. */

#include "daemon/adviser.h"

#include <errno.h>
#include <string.h>

#include "daemon/advise_job.h"
#include "util/log.h"

typedef struct Rule {
    char *path;
    Access access;
} Rule;

struct Adviser {
    Host *host;
    char *unit;
    Rule *rules;
    size_t n_rules;
    bool changed; /* the rules, since the last look began */
    bool was_off;
    uint64_t looked_usec, interval_usec;
    AdviseJob *job;
    int last_error; /* told once */
    AdviserStatus status;
};

static void rules_free(Rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(rules[i].path);
    free(rules);
}

int adviser_new(Host *host, const char *unit, Adviser **ret)
{
    Adviser *a = calloc(1, sizeof *a);
    if (!a)
        return -ENOMEM;

    a->host = host;
    a->unit = strdup(unit);
    if (!a->unit)
        return adviser_free(a), -ENOMEM;
    *ret = a;
    return 0;
}

void adviser_stop(Adviser *a)
{
    if (a->job)
        a->job = (AdviseJob *)job_abandon(&a->job->job);
}

Adviser *adviser_free(Adviser *a)
{
    if (!a)
        return NULL;
    adviser_stop(a);
    rules_free(a->rules, a->n_rules);
    free(a->unit);
    free(a);
    return NULL;
}

int adviser_want(Adviser *a, const Policy *policy)
{
    size_t n = policy ? policy->n_advises : 0;

    Rule *rules = calloc(n + 1, sizeof *rules);
    if (!rules)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        rules[i] = (Rule){ strdup(policy->advises[i].path), policy->advises[i].access };
        if (!rules[i].path) {
            rules_free(rules, i);
            return -ENOMEM;
        }
    }
    rules_free(a->rules, a->n_rules);
    a->rules = rules;
    a->n_rules = n;
    a->changed = true;
    return 0;
}

/* Noted paths, and rules */

static bool is_noted(const Adviser *a, const AdvisedEntry *entry)
{
    return strcmp(entry->unit, a->unit) == 0;
}

bool adviser_is_idle(const Adviser *a)
{
    return !a->job && !advised_has(&a->host->advised, a->unit);
}

static int note(const Adviser *a, const AdviseTask *task)
{
    return advised_note(&a->host->advised, a->unit, task->control_group,
                        (const char *const *)task->paths, task->n_patterns);
}

/* The rules, then what is noted and no rule's. */
static int fill(const Adviser *a, bool off, AdviseTask *task)
{
    const Advised *advised = &a->host->advised;
    size_t n_rules = off ? 0 : a->n_rules;
    int r = 0;

    for (size_t i = 0; i < n_rules && r >= 0; i++)
        r = advise_task_add(task, a->rules[i].path, a->rules[i].access, false);
    for (size_t i = 0; i < advised->n_entries && r >= 0; i++) {
        bool wanted = !is_noted(a, &advised->entries[i]);
        for (size_t k = 0; k < n_rules && !wanted; k++)
            wanted = strcmp(a->rules[k].path, advised->entries[i].path) == 0;
        if (!wanted)
            r = advise_task_add(task, advised->entries[i].path, ACCESS_NORMAL, true);
    }
    return r;
}

/* Looking */

static void tell(Adviser *a, const AdviseJob *aj)
{
    int error = aj->error < 0 ? aj->error : aj->outcome.error;

    if (error < 0 && error != a->last_error)
        log_warning("%s: advising: %s%s", a->unit,
                    aj->error < 0 ? "" : "the descriptors of some processes cannot be had: ",
                    strerror(-error));
    a->last_error = error;
}

static void done(Job *job, void *owner)
{
    AdviseJob *aj = (AdviseJob *)job;
    AdviseTask *task = &aj->task;
    Adviser *a = owner;

    a->job = NULL;
    a->interval_usec = advise_interval(a->host->settings->interval_usec, aj->cpu_usec);
    tell(a, aj);
    if (aj->error < 0) { /* maybe some, so all stay noted */
        a->changed = true;
        return;
    }
    if (a->status.descriptors == 0 && aj->outcome.descriptors > 0)
        log_info("%s: advises the read-ahead of %zu open file%s", a->unit, aj->outcome.descriptors,
                 aj->outcome.descriptors == 1 ? "" : "s");
    a->status = (AdviserStatus){ aj->outcome.descriptors, aj->outcome.unreachable };
    while (task->n_patterns > 0 && task->patterns[task->n_patterns - 1].by_name)
        task->n_patterns--;
    (void)note(a, task); /* what stays noted too long is made normal once more */
}

static int start(Adviser *a, const char *control_group, bool off)
{
    const Host *host = a->host;
    AdviseTask task = {
        .root_fd = host->root_fd,
        .proc_fd = host->proc_fd,
        .cgroup_fd = host->cgroup_fd,
        .walk_flags = host_walk_flags(host),
        .control_group = strdup(control_group),
    };

    int r = task.control_group ? fill(a, off, &task) : -ENOMEM;
    if (r >= 0)
        r = note(a, &task);
    if (r < 0) {
        advise_task_clear(&task);
        return r;
    }
    AdviseJob *aj = advise_job_new(&task);
    if (!aj)
        return -ENOMEM;
    aj->job.done = done;
    aj->job.owner = a;
    a->job = aj;
    jobs_submit(host->advise_jobs, &aj->job);
    return 0;
}

void adviser_tick(Adviser *a, const char *control_group, bool off, uint64_t now)
{
    bool changed = a->changed || off != a->was_off;

    if (a->job || !control_group || a->host->cgroup_fd < 0 ||
        ((off || a->n_rules == 0) && adviser_is_idle(a)) ||
        (!changed && now < a->looked_usec + a->interval_usec))
        return;
    a->looked_usec = now;
    a->changed = false;
    a->was_off = off;
    int r = start(a, control_group, off);
    if (r < 0 && r != a->last_error)
        log_warning("%s: cannot note what is advised: %s", a->unit, strerror(-r));
    if (r < 0) {
        a->last_error = r;
        a->changed = true;
    }
}

AdviserStatus adviser_status(const Adviser *a)
{
    return a->status;
}
