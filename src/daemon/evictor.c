/* SPDX-License-Identifier: MIT */
/* Every rule has a job of its own that comes round every `every`: who has which files open now,
 * then the walk, then file by file: measure, judge (pure, control/evict_plan.h), evict, measure.
 *
 * A file is idle since the first of our looks that found it in memory and in nobody's hands; that
 * it was opened and closed between two looks goes unseen. Access times are not asked: relatime
 * makes them lie. */

#include "daemon/evictor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Out of memory is this look's trouble, not the end of the daemon, as uthash would have it. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "control/evict_plan.h"
#include "kernel/evict.h"
#include "kernel/openers.h"
#include "kernel/residency.h"
#include "kernel/walk.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/units.h"

/* Files of one rule that are in memory and waited for; beyond it they wait for a later look. */
#define IDLE_FILES_MAX 200000

typedef struct FileId {
    uint64_t dev, ino;
} FileId;

typedef struct IdleFile {
    FileId id;
    uint64_t since_usec;
    uint64_t look; /* the look that saw it last */
    UT_hash_handle hh;
} IdleFile;

/* What a rule knows of its files. In the job's hands while that runs. */
typedef struct IdleTable {
    IdleFile *files;
    uint64_t look;
} IdleTable;

/* What a look had to pass over. */
typedef struct PassedOver {
    char *first;   /* path and reason; NULL: nothing */
    bool harmless; /* the first is */
    size_t n;
} PassedOver;

typedef struct EvictJob {
    Job job;
    /* in */
    int root_fd, proc_fd; /* borrowed, live as long as the daemon */
    WalkFlags walk_flags;
    char *path;
    uint64_t idle_usec;
    PinHeld *pinned;
    size_t n_pinned;
    bool observe;
    IdleTable *table;
    OpenSet *open;
    uint64_t now_usec;
    /* out */
    int error;
    unsigned unreadable; /* processes that could not be looked into */
    uint64_t bytes, files, dirty;
    int file_error; /* the last one, of a file that could not be measured */
    PassedOver passed_over;
} EvictJob;

typedef struct Rule {
    Evictor *evictor;
    char *path;
    uint64_t idle_usec, every_usec;
    uint64_t next_usec;
    IdleTable *table;
    EvictJob *job;
    int last_error;    /* told once */
    char *passed_over; /* told once: the first of them, NULL: nothing is */
    bool wanted;       /* a mark of evictor_want() */
} Rule;

struct Evictor {
    Host *host;
    char *unit;
    Rule **rules;
    size_t n_rules;
    EvictorStatus status;
};

static IdleTable *table_free(IdleTable *table)
{
    IdleFile *file, *next;

    if (!table)
        return NULL;
    HASH_ITER (hh, table->files, file, next) {
        HASH_DEL(table->files, file);
        free(file);
    }
    free(table);
    return NULL;
}

/* On the worker */

static IdleFile *table_find(IdleTable *table, const struct stat *st)
{
    FileId id = { .dev = st->st_dev, .ino = st->st_ino };
    IdleFile *file;

    HASH_FIND(hh, table->files, &id, sizeof(id), file);
    return file;
}

/* For how long nobody has been seen to have it, this look included. */
static uint64_t note_idle(EvictJob *ej, const struct stat *st, bool in_use)
{
    IdleFile *file = table_find(ej->table, st);

    if (!file) {
        if (HASH_COUNT(ej->table->files) >= IDLE_FILES_MAX)
            return 0;
        file = calloc(1, sizeof(IdleFile));
        if (!file)
            return 0;
        file->id = (FileId){ .dev = st->st_dev, .ino = st->st_ino };
        file->since_usec = ej->now_usec;
        HASH_ADD(hh, ej->table->files, id, sizeof(FileId), file);
        if (!file->hh.tbl) {
            free(file);
            return 0;
        }
    }
    if (in_use)
        file->since_usec = ej->now_usec;
    file->look = ej->table->look;
    return ej->now_usec - file->since_usec;
}

static bool is_pinned(const EvictJob *ej, const struct stat *st)
{
    PinHeld key = { .dev = st->st_dev, .ino = st->st_ino };

    return ej->n_pinned > 0 &&
           bsearch(&key, ej->pinned, ej->n_pinned, sizeof(PinHeld), pin_held_compare) != NULL;
}

static int judge_and_evict(EvictJob *ej, int fd, const struct stat *st)
{
    uint64_t size = (uint64_t)st->st_size;
    Residency residency;

    int r = residency_of(fd, size, &residency);
    if (r < 0)
        return r;
    EvictFacts facts = {
        .resident = residency.resident,
        .pinned = is_pinned(ej, st),
        .in_use = open_set_has(ej->open, st->st_dev, st->st_ino),
    };
    if (facts.resident > 0)
        facts.idle_usec = note_idle(ej, st, facts.in_use);
    if (evict_judge(&facts, ej->idle_usec) != EVICT_NOW || ej->observe)
        return 0;

    EvictOutcome outcome;
    r = evict_file(fd, size, &outcome);
    if (r < 0)
        return r;
    ej->bytes += outcome.evicted;
    ej->files += outcome.evicted > 0;
    ej->dirty += outcome.dirty;
    return 0;
}

/* One file's trouble is not the others'. */
static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    EvictJob *ej = userdata;

    if (atomic_load(&ej->job.cancelled))
        return -ECANCELED;
    CLEANUP_CLOSE int fd = walk_reopen(path_fd, O_RDONLY);
    int r = fd < 0 ? fd : judge_and_evict(ej, fd, st);
    if (r < 0)
        ej->file_error = r;
    return 0;
}

/* A path without a file yet, or the folder that a wildcard matches too, is nobody's trouble. */
static bool is_harmless(WalkReason reason)
{
    return reason == WALK_MISSING || reason == WALK_DIRECTORY || reason == WALK_FIFO ||
           reason == WALK_SOCKET || reason == WALK_DEVICE;
}

/* Keeps the first that somebody should see to, or else the first. */
static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    EvictJob *ej = userdata;
    PassedOver *over = &ej->passed_over;
    char *text;

    if (atomic_load(&ej->job.cancelled))
        return -ECANCELED;
    over->n++;
    if (over->first && (!over->harmless || is_harmless(reason)))
        return 0;
    if (asprintf(&text, "%s %s", path, why) < 0)
        return -ENOMEM;
    free(over->first);
    over->first = text;
    over->harmless = is_harmless(reason);
    return 0;
}

static void forget_unseen(IdleTable *table)
{
    IdleFile *file, *next;

    HASH_ITER (hh, table->files, file, next) {
        if (file->look != table->look) {
            HASH_DEL(table->files, file);
            free(file);
        }
    }
}

static void run(Job *job)
{
    EvictJob *ej = (EvictJob *)job;
    cleanup(open_set_freep) OpenSet *open = NULL;
    WalkHandler handler = { .file = on_file, .passed_over = on_passed_over, .userdata = ej };

    ej->error = open_set_scan(ej->proc_fd, getpid(), &open);
    if (ej->error < 0)
        return;
    ej->unreadable = open_set_unreadable(open);
    if (ej->unreadable > 0)
        return; /* "nobody" must not be concluded */

    ej->open = open;
    ej->now_usec = now_usec();
    ej->table->look++;
    ej->error = walk_glob(ej->root_fd, ej->path, ej->walk_flags, &handler);
    forget_unseen(ej->table);
    ej->open = NULL;
}

/* On the loop */

static void tell_error(Rule *rule, const EvictJob *ej)
{
    int error = ej->error < 0 ? ej->error : ej->unreadable > 0 ? -EACCES : ej->file_error;

    if (error == rule->last_error)
        return;
    rule->last_error = error;
    if (error < 0)
        log_warning("%s: evicting %s: %s", rule->evictor->unit, rule->path,
                    ej->error >= 0 && ej->unreadable > 0
                        ? "some processes cannot be looked into, so nobody knows who has it open"
                        : strerror(-error));
}

/* Once, until another is the first. A look that was cut short does not know. */
static void tell_passed_over(Rule *rule, EvictJob *ej)
{
    const PassedOver *over = &ej->passed_over;
    const char *first = over->first ?: "", *before = rule->passed_over ?: "";
    char more[40] = "";

    if (ej->error < 0 || ej->unreadable > 0 || strcmp(first, before) == 0)
        return;
    if (over->n > 1)
        snprintf(more, sizeof(more), " (and %zu more)", over->n - 1);
    if (over->first)
        log_message(over->harmless ? LOG_INFO : LOG_WARNING, "%s: evicting %s: passed over: %s%s",
                    rule->evictor->unit, rule->path, first, more);
    free(rule->passed_over);
    rule->passed_over = TAKE_PTR(ej->passed_over.first);
}

static void done(Job *job, void *owner)
{
    EvictJob *ej = (EvictJob *)job;
    Rule *rule = owner;
    Evictor *e = rule->evictor;

    rule->job = NULL;
    rule->table = TAKE_PTR(ej->table);
    tell_error(rule, ej);
    tell_passed_over(rule, ej);
    e->status.bytes += ej->bytes;
    e->status.files += ej->files;
    e->status.dirty = ej->dirty;
    if (ej->bytes > 0) {
        char text[FORMAT_SIZE_MAX];
        log_info("%s: evicted %s of %llu files matching %s", e->unit, format_size(text, ej->bytes),
                 (unsigned long long)ej->files, ej->path);
    }
}

static void destroy(Job *job)
{
    EvictJob *ej = (EvictJob *)job;

    table_free(ej->table);
    free(ej->passed_over.first);
    free(ej->pinned);
    free(ej->path);
    free(ej);
}

static int start(Rule *rule, const PinHeld *pinned, size_t n_pinned, bool observe)
{
    EvictJob *ej = calloc(1, sizeof(EvictJob));
    if (!ej)
        return -ENOMEM;

    ej->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = rule };
    ej->root_fd = rule->evictor->host->root_fd;
    ej->walk_flags = host_walk_flags(rule->evictor->host);
    ej->proc_fd = rule->evictor->host->proc_fd;
    ej->idle_usec = rule->idle_usec;
    ej->observe = observe;
    ej->path = strdup(rule->path);
    ej->table = rule->table ? TAKE_PTR(rule->table) : calloc(1, sizeof(IdleTable));
    ej->pinned = n_pinned > 0 ? malloc(n_pinned * sizeof(PinHeld)) : NULL;
    if (!ej->path || !ej->table || (n_pinned > 0 && !ej->pinned)) {
        destroy(&ej->job);
        return -ENOMEM;
    }
    if (n_pinned > 0)
        memcpy(ej->pinned, pinned, n_pinned * sizeof(PinHeld));
    ej->n_pinned = n_pinned;

    rule->job = ej;
    jobs_submit(rule->evictor->host->evict_jobs, &ej->job);
    return 0;
}

static Rule *rule_free(Rule *rule)
{
    if (!rule)
        return NULL;
    if (rule->job)
        job_abandon(&rule->job->job);
    table_free(rule->table);
    free(rule->passed_over);
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

int evictor_want(Evictor *e, const Policy *policy)
{
    size_t n_evicts = policy ? policy->n_evicts : 0, n = 0;
    bool failed = false;
    Rule **rules = calloc(n_evicts + 1, sizeof(Rule *));
    if (!rules)
        return -ENOMEM;

    for (size_t i = 0; i < n_evicts && !failed; i++) {
        if (policy->evicts[i].dormant)
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

        if (wanted->dormant)
            continue;
        rules[n]->idle_usec = wanted->idle_usec;
        rules[n++]->every_usec = wanted->every_usec;
    }
    rules_free_others(e->rules, e->n_rules, rules, n);
    e->rules = rules;
    e->n_rules = n;
    return 0;
}

void evictor_tick(Evictor *e, uint64_t now, const PinHeld *pinned, size_t n_pinned, bool observe)
{
    for (size_t i = 0; i < e->n_rules; i++) {
        Rule *rule = e->rules[i];
        if (rule->job || now < rule->next_usec)
            continue;
        rule->next_usec = now + rule->every_usec;
        (void)start(rule, pinned, n_pinned, observe); /* out of memory: the next look tries again */
    }
}

uint64_t evictor_linger_usec(const Evictor *e)
{
    uint64_t usec = 0;

    /* A look is due after `every`, and had by the tick that comes next. Two more of them: one that
     * sees the file idle for the first time, one that is late. */
    for (size_t i = 0; i < e->n_rules; i++)
        usec = max_u64(usec, e->rules[i]->idle_usec +
                                 3 * (e->rules[i]->every_usec + e->host->settings->interval_usec));
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
    return e->status;
}
