/* SPDX-License-Identifier: MIT */
/* The files of a Plan: which would be pinned, and which evicted. Each is opened for reading, asked
 * what of it is in memory, and not read. */
#include "cli/plan.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "control/pin_plan.h"
#include "kernel/extents.h"
#include "kernel/openers.h"
#include "kernel/procs.h"
#include "kernel/residency.h"
#include "select/evict_files.h"
#include "select/pin_files.h"
#include "util/units.h"

static void problems_clear(PlanProblems *problems)
{
    for (size_t i = 0; i < problems->n_entries; i++) {
        free(problems->entries[i].path);
        free(problems->entries[i].why);
    }
    free(problems->entries);
}

void plan_files_clear(PlanPolicy *p)
{
    for (size_t i = 0; p->evicts && i < p->policy->n_evicts; i++) {
        for (size_t k = 0; k < p->evicts[i].n_files; k++)
            free(p->evicts[i].files[k].path);
        free(p->evicts[i].files);
    }
    free(p->evicts);
    selected_files_clear(&p->pins.selected);
    free(p->pins.files);
    problems_clear(&p->pins.passed_over);
    problems_clear(&p->evict_passed_over);
}

static int add_problem(PlanProblems *problems, const char *path, const char *why)
{
    if (problems->n_entries == problems->n_allocated) {
        size_t n = problems->n_allocated * 2 + 8;
        PlanProblem *grown = reallocarray(problems->entries, n, sizeof(PlanProblem));
        if (!grown)
            return -ENOMEM;
        problems->entries = grown;
        problems->n_allocated = n;
    }

    PlanProblem problem = { strdup(path), strdup(why) };
    if (!problem.path || !problem.why) {
        free(problem.path);
        free(problem.why);
        return -ENOMEM;
    }
    problems->entries[problems->n_entries++] = problem;
    return 0;
}

static void on_passed_over(const char *path, const char *why, void *userdata)
{
    PlanProblems *problems = userdata;

    if (problems->n_entries >= problems->max)
        problems->n_more++;
    else if (add_problem(problems, path, why) < 0)
        problems->out_of_memory = true;
}

/* As the daemon looks. */
static SelectScope select_scope(const PlanScope *scope, const Plan *plan, PlanProblems *problems)
{
    if (problems)
        problems->max = scope->max_problems;
    return (SelectScope){
        .root_fd = scope->root_fd,
        .flags = plan->config->settings.refuse_network_filesystems ? 0 : WALK_NETWORK,
        .passed_over = problems ? on_passed_over : NULL,
        .userdata = problems,
    };
}

static int open_selected(const PlanScope *scope, const Plan *plan, const SelectedFile *file)
{
    const SelectProcesses processes = { .proc_fd = scope->proc_fd };
    SelectScope selecting = select_scope(scope, plan, NULL);

    selecting.processes = &processes;
    return selected_file_open(&selecting, file);
}

/* What of the part that is wanted is in memory. 0 with ret->has_resident false where the kernel, or
 * the file's permissions, do not tell. */
static int measure(const PlanScope *scope, const Plan *plan, const SelectedFile *file,
                   const SelectedPart *part, Residency *ret)
{
    *ret = (Residency){ 0 };
    CLEANUP_CLOSE int fd = open_selected(scope, plan, file);
    int r = fd < 0 ? fd : residency_of_range(fd, part->offset, part->length, ret);
    if (scope->progress)
        scope->progress(scope->userdata);
    return plan_is_fatal(r) ? r : 0;
}

/* Pins */

/* What of the part that is wanted is data; all of it where that cannot be told. */
static int measure_data(const PlanScope *scope, const Plan *plan, const SelectedFile *file,
                        const SelectedPart *part, uint64_t *ret)
{
    *ret = part->length;
    if (!file->may_have_holes)
        return 0;
    CLEANUP_CLOSE int fd = open_selected(scope, plan, file);
    int r = fd < 0 ? fd : extents_sum(fd, part->offset, part->offset + part->length, ret);
    return plan_is_fatal(r) ? r : 0;
}

/* Whether not all of it is to be locked: only what is in memory, or data. */
static bool is_partly(const PlanPin *pin)
{
    return pin->lock == PIN_LOCK_ON_FAULT ||
           (pin->lock != PIN_LOCK_NONE && pin->data < pin->part.length);
}

/* Bytes, whole pages. */
static uint64_t part_of(const PlanPin *pin)
{
    return pin->lock == PIN_LOCK_ON_FAULT ? pin->resident : pin->data;
}

/* What is wanted of each file. */
static int list_pins(const PlanScope *scope, const Plan *plan, const PinRule *rules, PlanPins *pins,
                     bool measured)
{
    size_t n = pins->selected.n_files;
    int r = 0;

    pins->files = calloc(n + 1, sizeof(PlanPin));
    if (!pins->files)
        return -ENOMEM;
    for (size_t i = 0; i < n && r >= 0; i++) {
        const SelectedFile *file = &pins->selected.files[i];
        PlanPin *pin = &pins->files[i];
        Residency residency = { 0 };
        *pin = (PlanPin){
            .file = file,
            .part = pin_part(&rules[file->rule], file->size),
            .lock = rules[file->rule].lock,
        };
        pin->wanted = pin->part.length;
        r = measure_data(scope, plan, file, &pin->part, &pin->data);
        if (r >= 0 && (measured || pin->lock == PIN_LOCK_ON_FAULT))
            r = measure(scope, plan, file, &pin->part, &residency);
        pin->has_resident = residency.has_resident;
        pin->resident = residency.resident;
        if (is_partly(pin))
            pin->wanted = min_u64(pin->part.length, part_of(pin));
    }
    return r;
}

/* The targets: the budget, spread over what is wanted in its order. */
static int spread(PlanPins *pins, uint64_t budget, uint64_t page)
{
    size_t n = pins->selected.n_files;
    CLEANUP_FREE PinWish *wishes = calloc(n + 1, sizeof(PinWish));

    if (!wishes)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const PlanPin *pin = &pins->files[i];
        wishes[i] = (PinWish){
            .dev = pin->file->dev,
            .ino = pin->file->ino,
            .offset = pin->part.offset,
            .size = pin->part.length,
            .only_resident = is_partly(pin),
            .resident = part_of(pin),
        };
    }
    pins->sum = pin_plan(wishes, n, NULL, 0, budget, page);
    for (size_t i = 0; i < n; i++)
        pins->files[i].target = wishes[i].target;
    return 0;
}

/* Those of all units that it governs: templates' instances run the same programs. */
static int governed_processes(const PlanScope *scope, const Plan *plan, const PlanPolicy *p,
                              Pids *pids)
{
    int r = 0;

    for (size_t i = 0; i < p->governed.n_units && !plan->other_machine && !plan_is_fatal(r); i++) {
        cleanup(pids_clear) Pids some = { 0 };
        r = cgroup_pids(scope->cgroup_fd, p->governed.units[i].cgroup, &some);
        if (r >= 0)
            r = pids_append(pids, &some);
    }
    return plan_is_fatal(r) ? r : 0;
}

int plan_pins(const PlanScope *scope, const Plan *plan, PlanPolicy *p, bool measured)
{
    PlanPins *pins = &p->pins;
    SelectScope selecting = select_scope(scope, plan, &pins->passed_over);
    cleanup(pids_clear) Pids pids = { 0 };

    int r = governed_processes(scope, plan, p, &pids);
    if (r < 0)
        return r;
    SelectProcesses processes = { scope->proc_fd, pids.pids, pids.n_pids };
    selecting.processes = &processes;
    pins->error = pin_files(&selecting, p->policy->pins, p->policy->n_pins, &p->policy->pin_order,
                            &pins->selected);
    if (plan_is_fatal(pins->error) || pins->passed_over.out_of_memory)
        return plan_is_fatal(pins->error) ? pins->error : -ENOMEM;

    r = list_pins(scope, plan, p->policy->pins, pins, measured);
    return r < 0 ? r : spread(pins, p->policy->pin_budget, scope->page);
}

size_t plan_budget_end(const PlanPins *pins)
{
    size_t i = 0;

    while (i < pins->selected.n_files && pins->files[i].target >= pins->files[i].wanted)
        i++;
    return i;
}

uint64_t plan_not_pinned(const PlanPins *pins, size_t i)
{
    uint64_t bytes = 0;

    for (; i < pins->selected.n_files; i++)
        bytes += sub_u64(pins->files[i].wanted, pins->files[i].target);
    return bytes;
}

/* Evictions */

/* What holders would have, as far as it matters to @own: its own pins, and those of policies that
 * govern something now. */
static int pinned_beside(const Plan *plan, const PlanPolicy *own, PinId **ret, size_t *ret_n)
{
    size_t n = 0, max = 0;

    for (size_t i = 0; i < plan->n_policies; i++)
        max += plan->policies[i].pins.selected.n_files;
    PinId *held = calloc(max + 1, sizeof(PinId));
    if (!held)
        return -ENOMEM;

    for (size_t i = 0; i < plan->n_policies; i++) {
        const PlanPolicy *p = &plan->policies[i];
        if (!p->policy || p->policy->mode == MODE_OBSERVE || (p != own && p->governed.n_units == 0))
            continue;
        for (size_t k = 0; k < p->pins.selected.n_files; k++) {
            const PlanPin *pin = &p->pins.files[k];
            if (pin->target > 0 && pin->lock != PIN_LOCK_NONE)
                held[n++] = (PinId){ .dev = pin->file->dev, .ino = pin->file->ino };
        }
    }
    qsort(held, n, sizeof(PinId), pin_id_compare);
    *ret = held;
    *ret_n = n;
    return 0;
}

typedef struct Eviction {
    const PlanScope *scope;
    const Plan *plan;
    const OpenSet *open; /* NULL: nobody knows */
    PinId *pinned;
    size_t n_pinned;
} Eviction;

static int add_evict_file(PlanEvict *evict, const PlanEvictFile *file)
{
    if (evict->n_files == evict->n_allocated) {
        size_t n = evict->n_allocated * 2 + 16;
        PlanEvictFile *grown = reallocarray(evict->files, n, sizeof(PlanEvictFile));
        if (!grown)
            return -ENOMEM;
        evict->files = grown;
        evict->n_allocated = n;
    }
    evict->files[evict->n_files++] = *file;
    return 0;
}

/* How long it has been idle is known only to who watches: so as if it had been for long enough. */
static EvictVerdict judge(const Eviction *e, const SelectedFile *file, uint64_t resident,
                          const EvictRule *rule)
{
    bool mapped_too = rule->mapped == EVICT_MAPPED_SKIP;
    PinId key = { .dev = file->dev, .ino = file->ino };
    EvictFacts facts = {
        .resident = resident,
        .pinned = bsearch(&key, e->pinned, e->n_pinned, sizeof(PinId), pin_id_compare) != NULL,
        .in_use = e->open && (mapped_too ? open_set_has(e->open, file->dev, file->ino)
                                         : open_set_is_open(e->open, file->dev, file->ino)),
        .idle_usec = rule->idle_usec,
    };

    return evict_judge(&facts, rule->idle_usec);
}

static int plan_evict_file(const Eviction *e, PlanEvict *evict, const SelectedFile *file)
{
    EvictBounds bounds = evict_rule_bounds(evict->rule);
    EvictPart part = evict_part(file->size, &bounds, e->scope->page);
    SelectedPart measured = { part.begin, part.end - part.begin };
    char path[SELECTED_PATH_MAX];
    Residency residency;

    int r = measure(e->scope, e->plan, file, &measured, &residency);
    if (r < 0)
        return r;
    evict->n_matching++;
    evict->n_unknown += !residency.has_resident;
    if (residency.resident == 0)
        return 0;

    PlanEvictFile found = {
        .path = strdup(selected_path(file, path)),
        .size = file->size,
        .resident = residency.resident,
        .dirty = residency.dirty + residency.writeback,
        .has_dirty = residency.has_counters,
        .verdict = judge(e, file, residency.resident, evict->rule),
    };
    found.unsure = found.verdict == EVICT_NOW && (!e->open || open_set_unreadable(e->open) > 0);
    r = found.path ? add_evict_file(evict, &found) : -ENOMEM;
    if (r < 0)
        free(found.path);
    else if (found.verdict == EVICT_NOW)
        evict->bytes += found.resident;
    return r;
}

/* What a stream leaves behind is known before its files are. */
static void plan_evict_rule(PlanPolicy *p, size_t i)
{
    PlanEvict *evict = &p->evicts[i];

    evict->rule = &p->policy->evicts[i];
    for (size_t k = 0; evict->rule->stream && k < p->governed.n_units; k++)
        if (p->governed.units[k].error >= 0)
            evict->bytes += p->governed.units[k].stream;
}

static int evictions_of(const PlanScope *scope, const Plan *plan, const OpenSet *open,
                        PlanPolicy *p)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    CLEANUP_FREE PinId *pinned = NULL;
    Eviction eviction = { .scope = scope, .plan = plan, .open = open };
    SelectScope selecting = select_scope(scope, plan, &p->evict_passed_over);
    const Policy *policy = p->policy;

    p->evicts = calloc(policy->n_evicts + 1, sizeof(PlanEvict));
    int r = p->evicts ? pinned_beside(plan, p, &pinned, &eviction.n_pinned) : -ENOMEM;
    if (r < 0)
        return r;
    eviction.pinned = pinned;
    for (size_t i = 0; i < policy->n_evicts; i++)
        plan_evict_rule(p, i);
    p->evict_error = evict_files(&selecting, policy->evicts, policy->n_evicts, &list);
    if (plan_is_fatal(p->evict_error) || p->evict_passed_over.out_of_memory)
        return plan_is_fatal(p->evict_error) ? p->evict_error : -ENOMEM;

    for (size_t i = 0; i < list.n_files && r >= 0; i++)
        r = plan_evict_file(&eviction, &p->evicts[list.files[i].rule], &list.files[i]);
    return r;
}

int plan_evictions(const PlanScope *scope, Plan *plan)
{
    cleanup(open_set_freep) OpenSet *open = NULL;

    plan->openers_asked = !plan->other_machine;
    if (plan->openers_asked)
        plan->openers_error = open_set_scan(scope->proc_fd, getpid(), &open);
    if (plan_is_fatal(plan->openers_error))
        return plan->openers_error;
    plan->n_unreadable = open ? open_set_unreadable(open) : 0;

    for (size_t i = 0; i < plan->n_policies; i++) {
        PlanPolicy *p = &plan->policies[i];
        int r = p->shown && p->policy && p->policy->n_evicts > 0
                    ? evictions_of(scope, plan, open, p)
                    : 0;
        if (r < 0)
            return r;
    }
    return 0;
}
