/* SPDX-License-Identifier: MIT */
/* Every rule has a job of its own (evict_job.h) that comes round every `every`, or sooner or later
 * than that as the looks turn out (control/evict_plan.h). A rule with `when` looks as often, so
 * that it knows which files are idle, and evicts nothing; when it is called for, it does so at
 * once, and then not again for a while.
 *
 * At the unit's cap the coldest files of all rules go, in a round: each rule counts what it has by
 * age; from the age on that all together have enough of, one rule after another evicts; and then it
 * is seen whether the unit got smaller by that (control/cold.h). A rule whose job is under way, or
 * which has to rest, does not take part, so that none keeps others waiting. */

#include "daemon/evictor.h"

#include <string.h>

#include "control/evict_plan.h"
#include "daemon/evict_job.h"
#include "daemon/evict_told.h"
#include "select/evict_files.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/units.h"

/* Between two answers to a call: pressure and distress last, and what was there is gone. */
#define CALL_EVERY_USEC (10 * USEC_PER_SEC)

/* How long one look keeps others waiting, and may be wrong about who has a file open: it looks into
 * every process of the machine anew with each slice. */
#define SLICE_USEC (5 * USEC_PER_SEC)

/* What one look must free to be worth the next one sooner: a share of memory. */
#define MUCH_PER_RAM 100

/* What of a round is a rule's. Where there is a job, too, it is the round's. */
typedef enum Turn {
    TURN_NONE,
    TURN_COUNT, /* it counts, or has */
    TURN_EVICT, /* it evicts, or has */
} Turn;

typedef struct Rule {
    Evictor *evictor;
    char *path;
    uint64_t idle_usec, every_usec, interval_usec;
    unsigned when; /* EVICT_WHEN_…; 0: always */
    EvictAllowed allowed;
    EvictBounds bounds;
    uint64_t rate;                       /* bytes per second; 0: no limit */
    uint64_t looked_usec, answered_usec; /* 0: never */
    uint64_t cpu_usec;                   /* that the last look took */
    bool called;                         /* as of the last tick: it looks as often as it may */
    Turn turn;
    uint64_t oldest_usec; /* of what it has counted */
    IdleTable *table;
    EvictJob *job;
    EvictOutcome last; /* of the last look that evicted: what is left is its */
    uint64_t failed;   /* files, likewise */
    EvictTold told;
    bool wanted; /* a mark of evictor_want() */
} Rule;

typedef enum RoundStep {
    ROUND_COUNTS,
    ROUND_EVICTS,
    ROUND_SETTLES,
} RoundStep;

typedef struct Round {
    RoundStep step;
    EvictAges ages;        /* of all rules */
    uint64_t counted_usec; /* when they were known */
    uint64_t idle_usec;    /* of what is to go */
    uint64_t left;         /* bytes that are still to go */
    uint64_t evicted_usec; /* when the last one had gone, as of the unit's sample */
    ColdTrial trial;
} Round;

struct Evictor {
    Host *host;
    char *unit;
    Rule **rules;
    size_t n_rules;
    uint64_t cpu_ppm; /* of the last tick */
    Round *round;     /* NULL: none is under way */
    Hold hold;        /* no round meanwhile */
    EvictorStatus status;
};

/* A look, and what for. */
typedef struct Wanted {
    bool called;        /* somebody waits for it */
    bool look_only;     /* nothing is evicted */
    uint64_t idle_usec; /* at the least */
    uint64_t enough;    /* bytes: see EvictTask */
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

static void note_turn(Rule *rule, const EvictJob *ej)
{
    Round *round = rule->evictor->round;
    uint64_t bytes = evict_outcome_evicted(&ej->sum);

    if (rule->turn == TURN_COUNT) {
        rule->oldest_usec = evict_ages_cutoff(&ej->ages, 1);
        if (evict_ages_sum(&round->ages, &ej->ages) == 0)
            rule->turn = TURN_NONE;
    } else if (rule->turn == TURN_EVICT) {
        round->left = sub_u64(round->left, bytes);
        round->trial.evicted += bytes;
    }
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
    if (rule->turn != TURN_COUNT)
        rule->interval_usec = next_interval(rule, ej);
    /* Its part of a round is two looks, and it rests for both. */
    rule->cpu_usec = ej->cpu_usec + (rule->turn == TURN_EVICT ? rule->cpu_usec : 0);
    note_turn(rule, ej);

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
    const Host *host = rule->evictor->host;
    EvictTask task = {
        .root_fd = host->root_fd,
        .proc_fd = host->proc_fd,
        .cgroup_fd = host->cgroup_fd,
        .walk_flags = host_walk_flags(host),
        .path = strdup(rule->path),
        .control_group = control_group ? strdup(control_group) : NULL,
        .idle_usec = max_u64(rule->idle_usec, wanted->idle_usec),
        .allowed = rule->allowed,
        .bounds = rule->bounds,
        .rate = rule->rate,
        .barred = host->barred,
        .pinned = host->pinned,
        .look_only = wanted->look_only,
        .enough = wanted->enough,
        .table = rule->table ? TAKE_PTR(rule->table) : idle_table_new(),
        .slice_usec = SLICE_USEC,
    };
    bool short_of_memory = !task.path || !task.table || (control_group && !task.control_group);

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
    free(e->round);
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
    rule->bounds = evict_rule_bounds(wanted);
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

static bool is_due(const Rule *rule, uint64_t now)
{
    uint64_t wait = max_u64(rule->interval_usec, rest(rule));

    return rule->looked_usec == 0 || now >= add_u64(rule->looked_usec, wait);
}

static void look(Rule *rule, const EvictorMoment *moment, const Wanted *wanted)
{
    rule->looked_usec = moment->now_usec;
    /* Out of memory: the next look tries again. */
    (void)start(rule, moment, wanted);
}

/* The unit is at its cap */

static bool is_at_cap(const Evictor *e, const EvictorMoment *moment)
{
    return moment->cold > 0 && !moment->observe && !hold_is_on(&e->hold, moment->now_usec);
}

static void begin_round(Evictor *e, const EvictorMoment *moment)
{
    const Wanted wanted = { .called = true, .look_only = true };
    Round *round = calloc(1, sizeof(Round));
    bool any = false;

    for (size_t i = 0; round && i < e->n_rules; i++) {
        Rule *rule = e->rules[i];

        if (rule->job || !is_to_answer(rule, moment->now_usec))
            continue;
        rule->turn = TURN_COUNT;
        rule->oldest_usec = 0;
        look(rule, moment, &wanted);
        any = true;
    }
    if (!any) {
        free(round);
        return;
    }
    round->trial.asked = moment->cache;
    e->round = round;
}

static void end_round(Evictor *e)
{
    for (size_t i = 0; i < e->n_rules; i++)
        e->rules[i]->turn = TURN_NONE;
    free(TAKE_PTR(e->round));
}

static bool round_waits(const Evictor *e)
{
    for (size_t i = 0; i < e->n_rules; i++)
        if (e->rules[i]->turn != TURN_NONE && e->rules[i]->job)
            return true;
    return false;
}

static void note_counted(Round *round, const EvictorMoment *moment)
{
    round->step = ROUND_EVICTS;
    round->counted_usec = moment->now_usec;
    round->left = moment->cold;
    round->idle_usec = evict_ages_cutoff(&round->ages, round->left);
    round->trial.begun = moment->cache;
}

/* One whose rate is low gets no more than it may until the next round. */
static uint64_t share(const Rule *rule, uint64_t left)
{
    uint64_t most = mul_u64(rule->rate, CALL_EVERY_USEC / USEC_PER_SEC);

    return rule->rate > 0 ? min_u64(left, most) : left;
}

/* Whether any rule is left whose turn it is. */
static bool evict_next(Evictor *e, const EvictorMoment *moment)
{
    Round *round = e->round;
    uint64_t passed = sub_u64(moment->now_usec, round->counted_usec);

    for (size_t i = 0; i < e->n_rules; i++) {
        Rule *rule = e->rules[i];

        if (rule->turn != TURN_COUNT || rule->oldest_usec < round->idle_usec)
            continue;
        rule->turn = TURN_EVICT;
        look(rule, moment,
             &(Wanted){
                 .called = true,
                 .idle_usec = add_u64(round->idle_usec, passed),
                 .enough = share(rule, round->left),
             });
        return true;
    }
    return false;
}

static void tell_in_vain(const Evictor *e)
{
    char text[FORMAT_SIZE_MAX];

    log_info("%s: %s of its idle files were evicted, and its page cache did not get smaller by "
             "that: others had read them first; the cap leaves them alone for the next %llu s",
             e->unit, format_size(text, e->round->trial.evicted),
             (unsigned long long)(e->hold.length_usec / USEC_PER_SEC));
}

static void act_on_round(Evictor *e, const EvictorMoment *moment)
{
    Round *round = e->round;

    if (round->step == ROUND_COUNTS)
        note_counted(round, moment);
    if (round->step == ROUND_EVICTS) {
        round->left = is_at_cap(e, moment) ? min_u64(round->left, moment->cold) : 0;
        if (round->left > 0 && evict_next(e, moment))
            return;
        round->step = ROUND_SETTLES;
        round->evicted_usec = moment->cache.at_usec;
    }
    if (round->trial.evicted > 0) {
        if (sub_u64(moment->cache.at_usec, round->evicted_usec) < COLD_SETTLE_USEC)
            return;
        if (!cold_judge(&e->hold, &round->trial, &moment->cache))
            tell_in_vain(e);
    }
    end_round(e);
}

/* It may go on for hours, and may no longer do what it was asked for. */
static bool is_outdated(const EvictTask *task, const EvictorMoment *moment)
{
    return !task->look_only && (moment->observe || (task->control_group && !moment->control_group));
}

void evictor_tick(Evictor *e, const EvictorMoment *moment)
{
    const Wanted called = { .called = true, .look_only = moment->observe };
    bool at_cap = is_at_cap(e, moment);

    e->cpu_ppm = moment->cpu_ppm;
    for (size_t i = 0; i < e->n_rules; i++) {
        Rule *rule = e->rules[i];
        unsigned calls = rule->when & moment->calls;

        rule->called = at_cap || calls != 0;
        if (rule->job && is_outdated(&rule->job->task, moment))
            rule->job = (EvictJob *)job_abandon(&rule->job->job);
        if (calls == 0 || rule->job || !is_to_answer(rule, moment->now_usec))
            continue;
        rule->turn = TURN_NONE; /* whatever is idle goes */
        look(rule, moment, &called);
    }
    if (e->round && !round_waits(e))
        act_on_round(e, moment);
    if (!e->round && is_at_cap(e, moment))
        begin_round(e, moment);
    for (size_t i = 0; i < e->n_rules; i++) {
        Rule *rule = e->rules[i];

        /* What is found by those that are in a round goes by that. */
        if (!rule->job && rule->turn == TURN_NONE && is_due(rule, moment->now_usec))
            look(rule, moment, &(Wanted){ .look_only = moment->observe || rule->when != 0 });
    }
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

bool evictor_has_cold(const Evictor *e, uint64_t now)
{
    return e->n_rules > 0 && !hold_is_on(&e->hold, now);
}

bool evictor_cold_goes(const Evictor *e)
{
    return e->round && e->round->step != ROUND_SETTLES;
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
        status.other += last->beside + last->memory + last->unsure + last->refused +
                        last->interrupted + last->unseen + last->unknown;
        status.failed += e->rules[i]->failed;
    }
    return status;
}
