/* SPDX-License-Identifier: MIT */
/* Every rule has a job of its own (evict_job.h) that comes round every `every`, or sooner or later
 * than that as the looks turn out (control/evict_plan.h). A rule with `when` looks as often, so
 * that it knows which files are idle, and evicts nothing; when it is called for, it does so at
 * once, and then not again for a while. */

#include "daemon/evictor.h"

#include <string.h>

#include "control/evict_plan.h"
#include "daemon/evict_job.h"
#include "daemon/evict_told.h"
#include "util/units.h"

/* Between two answers to a call: pressure and distress last, and what was there is gone. */
#define CALL_EVERY_USEC (10 * USEC_PER_SEC)

/* How long one look keeps others waiting, and may be wrong about who has a file open: it looks into
 * every process of the machine anew with each slice. */
#define SLICE_USEC (5 * USEC_PER_SEC)

/* What one look must free to be worth the next one sooner: a share of memory. */
#define MUCH_PER_RAM 100

typedef struct Rule {
    Evictor *evictor;
    char *path;
    uint64_t idle_usec, every_usec, interval_usec;
    unsigned when; /* EVICT_WHEN_…; 0: always */
    EvictAllowed allowed;
    EvictKeep keep;
    uint64_t rate;                       /* bytes per second; 0: no limit */
    uint64_t looked_usec, answered_usec; /* 0: never */
    uint64_t cpu_usec;                   /* that the last look took */
    bool called;                         /* as of the last tick: it looks as often as it may */
    IdleTable *table;
    EvictJob *job;
    EvictOutcome last; /* of the last look that evicted: what is left is its */
    uint64_t failed;   /* files, likewise */
    EvictTold told;
    bool wanted; /* a mark of evictor_want() */
} Rule;

struct Evictor {
    Host *host;
    char *unit;
    Rule **rules;
    size_t n_rules;
    uint64_t cpu_ppm; /* of the last tick */
    EvictorStatus status;
};

/* A look, and what for. */
typedef struct Wanted {
    bool called;     /* somebody waits for it */
    bool look_only;  /* nothing is evicted */
    uint64_t enough; /* bytes: see EvictTask */
} Wanted;

/* On the loop */

/* What a look that took so long has to rest. */
static uint64_t rest(const Rule *rule)
{
    uint64_t ppm = rule->evictor->cpu_ppm;

    return evict_rest(rule->cpu_usec, ppm > 0 ? ppm : EVICT_CPU_PPM);
}

static uint64_t next_interval(const Rule *rule, const EvictJob *ej)
{
    EvictLook look = {
        .every_usec = rule->every_usec,
        .interval_usec = rule->interval_usec,
        .freed = evict_outcome_evicted(&ej->sum),
        .much = max_u64(rule->evictor->host->ram / MUCH_PER_RAM, 1),
        .waiting = ej->waiting,
    };

    /* A look that was cut short says nothing. */
    return ej->error < 0 || ej->unreadable > 0 ? rule->every_usec : evict_interval(&look);
}

static void done(Job *job, void *owner)
{
    EvictJob *ej = (EvictJob *)job;
    Rule *rule = owner;
    EvictorStatus *status = &rule->evictor->status;
    uint64_t bytes = evict_outcome_evicted(&ej->sum);

    rule->job = NULL;
    rule->table = TAKE_PTR(ej->task.table);
    evict_told_note(&rule->told, rule->evictor->unit, ej);
    rule->interval_usec = next_interval(rule, ej);
    rule->cpu_usec = ej->cpu_usec;

    status->bytes += bytes;
    status->files += ej->files;
    status->written += ej->sum.written;
    for (int i = 0; i < _EVICT_RUNG_MAX; i++)
        status->evicted[i] += ej->sum.evicted[i];
    if (!ej->task.look_only) {
        rule->last = ej->sum;
        rule->failed = ej->failed;
    }
}

static int start(Rule *rule, const EvictorMoment *moment, const Wanted *wanted)
{
    const char *control_group = moment->control_group;
    size_t n_pinned = moment->n_pinned;
    const Host *host = rule->evictor->host;
    EvictTask task = {
        .root_fd = host->root_fd,
        .proc_fd = host->proc_fd,
        .cgroup_fd = host->cgroup_fd,
        .walk_flags = host_walk_flags(host),
        .path = strdup(rule->path),
        .control_group = control_group ? strdup(control_group) : NULL,
        .idle_usec = rule->idle_usec,
        .allowed = rule->allowed,
        .keep_first = rule->keep.first,
        .keep_last = rule->keep.last,
        .rate = rule->rate,
        .pinned = n_pinned > 0 ? malloc(n_pinned * sizeof(PinHeld)) : NULL,
        .n_pinned = n_pinned,
        .look_only = wanted->look_only,
        .enough = wanted->enough,
        .table = rule->table ? TAKE_PTR(rule->table) : idle_table_new(),
        .slice_usec = SLICE_USEC,
    };
    bool short_of_memory = !task.path || !task.table || (control_group && !task.control_group) ||
                           (n_pinned > 0 && !task.pinned);

    if (task.pinned)
        memcpy(task.pinned, moment->pinned, n_pinned * sizeof(PinHeld));
    EvictJob *ej = evict_job_new(&task);
    if (!ej)
        return -ENOMEM;
    ej->job.done = done;
    ej->job.owner = rule;
    if (short_of_memory) {
        ej->job.destroy(&ej->job);
        return -ENOMEM;
    }

    rule->job = ej;
    jobs_submit(wanted->called ? host->call_jobs : host->evict_jobs, &ej->job);
    return 0;
}

static Rule *rule_free(Rule *rule)
{
    if (!rule)
        return NULL;
    if (rule->job)
        job_abandon(&rule->job->job);
    idle_table_free(rule->table);
    evict_told_clear(&rule->told);
    free(rule->path);
    free(rule);
    return NULL;
}

int evictor_new(Host *host, const char *unit, Evictor **ret)
{
    Evictor *e = calloc(1, sizeof(Evictor));
    if (!e)
        return -ENOMEM;

    e->host = host;
    e->unit = strdup(unit);
    if (!e->unit) {
        free(e);
        return -ENOMEM;
    }
    *ret = e;
    return 0;
}

static void rules_free(Rule **rules, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rule_free(rules[i]);
    free(rules);
}

Evictor *evictor_free(Evictor *e)
{
    if (!e)
        return NULL;
    rules_free(e->rules, e->n_rules);
    free(e->unit);
    free(e);
    return NULL;
}

/* The same rule of before, which stays in its place for now, or a new one. */
static Rule *find_or_make_rule(Evictor *e, const char *path)
{
    for (size_t i = 0; i < e->n_rules; i++)
        if (!e->rules[i]->wanted && strcmp(e->rules[i]->path, path) == 0)
            return e->rules[i];

    Rule *rule = calloc(1, sizeof(Rule));
    if (!rule)
        return NULL;
    rule->evictor = e;
    rule->path = strdup(path);
    return rule->path ? rule : rule_free(rule);
}

/* Frees @rules but for those that are among @kept. */
static void rules_free_others(Rule **rules, size_t n, Rule *const *kept, size_t n_kept)
{
    for (size_t i = 0; i < n_kept; i++)
        kept[i]->wanted = true;
    for (size_t i = 0; i < n; i++)
        if (!rules[i]->wanted)
            rule_free(rules[i]);
    free(rules);
    for (size_t i = 0; i < n_kept; i++)
        kept[i]->wanted = false;
}

static void follow(Rule *rule, const EvictRule *wanted)
{
    if (rule->every_usec != wanted->every_usec) /* what was learnt is of another pace */
        rule->interval_usec = wanted->every_usec;
    rule->idle_usec = wanted->idle_usec;
    rule->every_usec = wanted->every_usec;
    rule->when = wanted->when;
    rule->keep = wanted->keep;
    rule->rate = wanted->rate == UINT64_MAX ? 0 : wanted->rate;
    rule->allowed = (EvictAllowed){
        .write_back = wanted->dirty == EVICT_DIRTY_WRITE_BACK,
        .page_out = wanted->mapped == EVICT_MAPPED_PAGE_OUT,
        .reclaim = wanted->mapped == EVICT_MAPPED_PAGE_OUT,
    };
}

int evictor_want(Evictor *e, const Policy *policy)
{
    size_t n_evicts = policy ? policy->n_evicts : 0, n = 0;
    bool failed = false;
    Rule **rules = calloc(n_evicts + 1, sizeof(Rule *));
    if (!rules)
        return -ENOMEM;

    for (size_t i = 0; i < n_evicts && !failed; i++) {
        if (policy->evicts[i].stream)
            continue;
        rules[n] = find_or_make_rule(e, policy->evicts[i].path);
        failed = !rules[n];
        if (!failed)
            rules[n++]->wanted = true;
    }
    for (size_t i = 0; i < n; i++)
        rules[i]->wanted = false;
    if (failed) {
        rules_free_others(rules, n, e->rules, e->n_rules);
        return -ENOMEM;
    }

    n = 0;
    for (size_t i = 0; i < n_evicts; i++) {
        const EvictRule *wanted = &policy->evicts[i];

        if (wanted->stream)
            continue;
        follow(rules[n++], wanted);
    }
    rules_free_others(e->rules, e->n_rules, rules, n);
    e->rules = rules;
    e->n_rules = n;
    return 0;
}

/* Whether a call of such a kind, which may last, is to be answered now. */
static bool is_to_answer(Rule *rule, uint64_t now)
{
    uint64_t wait = max_u64(CALL_EVERY_USEC, rest(rule));

    if (rule->answered_usec > 0 && now < add_u64(rule->answered_usec, wait))
        return false;
    rule->answered_usec = now;
    return true;
}

/* Whether the rule is to be looked at now, and how. */
static bool is_due(Rule *rule, const EvictorMoment *moment, Wanted *ret)
{
    *ret = (Wanted){ .look_only = moment->observe };
    if ((rule->when & moment->calls) != 0 && is_to_answer(rule, moment->now_usec)) {
        ret->called = true;
        return true;
    }
    ret->look_only |= rule->when != 0;
    uint64_t wait = max_u64(rule->interval_usec, rest(rule));
    return rule->looked_usec == 0 || moment->now_usec >= add_u64(rule->looked_usec, wait);
}

static void look(Rule *rule, const EvictorMoment *moment, const Wanted *wanted)
{
    rule->looked_usec = moment->now_usec;
    /* Out of memory: the next look tries again. */
    (void)start(rule, moment, wanted);
}

/* The unit is at its cap: one rule after another is asked for what is then left to go. */
static void answer_cap(Evictor *e, const EvictorMoment *moment)
{
    if (moment->cold == 0 || moment->observe)
        return;
    for (size_t i = 0; i < e->n_rules && !evictor_is_busy(e); i++)
        if (is_to_answer(e->rules[i], moment->now_usec))
            look(e->rules[i], moment, &(Wanted){ .called = true, .enough = moment->cold });
}

void evictor_tick(Evictor *e, const EvictorMoment *moment)
{
    bool at_cap = moment->cold > 0 && !moment->observe;
    Wanted wanted;

    e->cpu_ppm = moment->cpu_ppm;
    for (size_t i = 0; i < e->n_rules; i++) {
        Rule *rule = e->rules[i];

        rule->called = at_cap || (rule->when & moment->calls) != 0;
        if (!rule->job && is_due(rule, moment, &wanted))
            look(rule, moment, &wanted);
    }
    answer_cap(e, moment);
}

bool evictor_cpu_ppm(const Evictor *e, size_t i, uint64_t *ret)
{
    if (i >= e->n_rules)
        return false;
    const Rule *rule = e->rules[i];
    uint64_t interval = rule->interval_usec;

    *ret = evict_cpu_ppm(rule->cpu_usec,
                         rule->called ? min_u64(interval, CALL_EVERY_USEC) : interval);
    return true;
}

bool evictor_has_rules(const Evictor *e)
{
    return e->n_rules > 0;
}

uint64_t evictor_linger_usec(const Evictor *e)
{
    uint64_t usec = 0;

    /* A look is due after an interval, which may have grown, and had by the tick that comes next.
     * Then two more of them: one that sees the file idle for the first time, one that is late. */
    for (size_t i = 0; i < e->n_rules; i++) {
        const Rule *rule = e->rules[i];
        uint64_t grown = EVICT_LATER * rule->every_usec;
        uint64_t resting = rest(rule);
        uint64_t looks = resting > grown ? mul_u64(3, resting) : grown + 2 * rule->every_usec;

        usec = max_u64(usec,
                       add_u64(looks, rule->idle_usec + 3 * e->host->settings->interval_usec));
    }
    return usec;
}

bool evictor_is_busy(const Evictor *e)
{
    for (size_t i = 0; i < e->n_rules; i++)
        if (e->rules[i]->job)
            return true;
    return false;
}

EvictorStatus evictor_status(const Evictor *e)
{
    EvictorStatus status = e->status;

    for (size_t i = 0; i < e->n_rules; i++) {
        const EvictOutcome *last = &e->rules[i]->last;

        status.dirty += last->dirty;
        status.locked += last->locked;
        status.mapped += last->mapped;
        status.other += last->beside + last->memory + last->unsure + last->unknown;
        status.failed += e->rules[i]->failed;
    }
    return status;
}
