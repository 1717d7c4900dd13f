/* SPDX-License-Identifier: MIT */
#include "daemon/evictor.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "daemon/evict_job.h"
#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"

/* One look at all files of the rule @path. */
static void look(Evictor *e)
{
    static uint64_t now;

    now += 60 * USEC_PER_SEC;
    evictor_tick(e, &(EvictorMoment){ .now_usec = now, .observe = true });
    assert_int_equal(n_queued, 1);
    run_queue();
}

static Evictor *an_evictor(Host *host, const char *path)
{
    EvictRule rule = { .path = (char *)path,
                       .idle_usec = USEC_PER_SEC,
                       .every_usec = USEC_PER_SEC };
    Policy policy = { .evicts = &rule, .n_evicts = 1 };
    Evictor *e;

    assert_int_equal(evictor_new(host, "a.service", &e), 0);
    assert_int_equal(evictor_want(e, &policy), 0);
    return e;
}

static const Settings settings = { .refuse_network_filesystems = true };

/* One process, which has nothing open. */
static void put_process(const Scratch *proc)
{
    scratch_put(proc, "1/maps", "");
    must(mkdirat(proc->fd, "1/fd", 0755));
}

static void what_is_passed_over_is_told_until_it_changes(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    Host host = { .root_fd = root.fd, .proc_fd = proc.fd, .settings = &settings };

    put_process(&proc);
    scratch_put(&root, "srv/file", "x");
    must(mkdirat(root.fd, "srv/a-folder", 0755));
    must(symlinkat("file", root.fd, "srv/link"));
    must(symlinkat("file", root.fd, "srv/link-too"));
    Evictor *e = an_evictor(&host, "/srv/*");
    look(e);
    expect_log("warning: a.service: evicting /srv/*: passed over: /srv/link is a symbolic "
               "link, which is not followed (and 2 more)\n");
    look(e);
    expect_log("");

    must(unlinkat(root.fd, "srv/link", 0));
    look(e);
    expect_log("warning: a.service: evicting /srv/*: passed over: /srv/link-too is a symbolic "
               "link, which is not followed (and 1 more)\n");

    /* What only is not a file is no trouble. */
    must(unlinkat(root.fd, "srv/link-too", 0));
    look(e);
    expect_log("info: a.service: evicting /srv/*: passed over: /srv/a-folder is a directory\n");

    /* A look that was cut short forgets nothing. */
    must(unlinkat(proc.fd, "1/maps", 0));
    must(mkdirat(proc.fd, "1/maps", 0755));
    look(e);
    log_text[0] = '\0';
    must(unlinkat(proc.fd, "1/maps", AT_REMOVEDIR));
    scratch_put(&proc, "1/maps", "");
    look(e);
    expect_log("");

    must(unlinkat(root.fd, "srv/a-folder", AT_REMOVEDIR));
    look(e);
    expect_log("");
    must(mkdirat(root.fd, "srv/a-folder", 0755));
    look(e);
    expect_log("info: a.service: evicting /srv/*: passed over: /srv/a-folder is a directory\n");
    evictor_free(e);
}

static void a_path_that_is_not_there_yet(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    Host host = { .root_fd = root.fd, .proc_fd = proc.fd, .settings = &settings };

    put_process(&proc);
    Evictor *e = an_evictor(&host, "/log");
    look(e);
    look(e);
    expect_log("info: a.service: evicting /log: passed over: /log does not exist\n");
    evictor_free(e);
}

/* A look that only looks, or one that may evict. */
static bool looks_only(Evictor *e, uint64_t second, unsigned calls)
{
    EvictorMoment moment = { .now_usec = second * USEC_PER_SEC, .calls = calls };

    n_queued = 0;
    evictor_tick(e, &moment);
    assert_int_equal(n_queued, 1);
    bool only = ((EvictJob *)queue[0])->task.look_only;
    run_queue();
    return only;
}

static bool is_quiet(Evictor *e, uint64_t second, unsigned calls)
{
    EvictorMoment moment = { .now_usec = second * USEC_PER_SEC, .calls = calls };

    evictor_tick(e, &moment);
    return n_queued == 0;
}

static void what_waits_for_a_call_only_looks_until_then(void **state)
{
    CLEANUP_SCRATCH Scratch nothing = scratch_new("/tmp");
    Host host = { .root_fd = nothing.fd, .proc_fd = nothing.fd, .settings = &settings };
    EvictRule rule = { .path = (char *)"/*",
                       .idle_usec = USEC_PER_SEC,
                       .every_usec = 30 * USEC_PER_SEC,
                       .when = EVICT_WHEN_DISTRESS };
    Policy policy = { .evicts = &rule, .n_evicts = 1 };
    Evictor *e;

    assert_int_equal(evictor_new(&host, "a.service", &e), 0);
    assert_int_equal(evictor_want(e, &policy), 0);
    assert_true(looks_only(e, 1000, 0));
    assert_true(is_quiet(e, 1001, 0));
    assert_true(is_quiet(e, 1001, EVICT_WHEN_PRESSURE)); /* not its call */

    /* At once, and then not again for a while, however long it lasts. */
    assert_false(looks_only(e, 1002, EVICT_WHEN_DISTRESS));
    for (uint64_t second = 1003; second < 1012; second++)
        assert_true(is_quiet(e, second, EVICT_WHEN_DISTRESS | EVICT_WHEN_PRESSURE));
    assert_false(looks_only(e, 1012, EVICT_WHEN_DISTRESS));

    /* Who only observes is not called. */
    evictor_tick(e, &(EvictorMoment){ .now_usec = 1030 * USEC_PER_SEC,
                                      .calls = EVICT_WHEN_DISTRESS,
                                      .observe = true });
    assert_int_equal(n_queued, 1);
    assert_true(((EvictJob *)queue[0])->task.look_only);
    run_queue();
    evictor_free(e);
}

/* What somebody waits for has a worker of its own. */
static void a_call_waits_for_no_other_look(void **state)
{
    CLEANUP_SCRATCH Scratch nothing = scratch_new("/tmp");
    Host host = { .root_fd = nothing.fd, .proc_fd = nothing.fd, .settings = &settings };
    EvictRule rule = { .path = (char *)"/*",
                       .every_usec = 30 * USEC_PER_SEC,
                       .when = EVICT_WHEN_PRESSURE };
    Policy policy = { .evicts = &rule, .n_evicts = 1 };
    EvictorMoment moment = { .now_usec = 1000 * USEC_PER_SEC };
    char looks, calls;
    Evictor *e;

    host.evict_jobs = (Jobs *)&looks;
    host.call_jobs = (Jobs *)&calls;
    assert_int_equal(evictor_new(&host, "a.service", &e), 0);
    assert_int_equal(evictor_want(e, &policy), 0);
    evictor_tick(e, &moment);
    assert_int_equal(n_queued, 1);
    assert_ptr_equal(queued_on, &looks);
    assert_true(atomic_load(&queue[0]->slice_usec) > 0);
    run_queue();

    moment.now_usec += USEC_PER_SEC;
    moment.calls = EVICT_WHEN_PRESSURE;
    evictor_tick(e, &moment);
    assert_int_equal(n_queued, 1);
    assert_ptr_equal(queued_on, &calls);
    run_queue();

    moment.now_usec += 20 * USEC_PER_SEC;
    moment.calls = 0;
    moment.cold = MIB;
    evictor_tick(e, &moment);
    assert_int_equal(n_queued, 1);
    assert_ptr_equal(queued_on, &calls);
    run_queue();
    evictor_free(e);
}

/* Rules of a unit at its cap, which have been looked at once; none is due soon. */
typedef struct Capped {
    Scratch nothing;
    Host host;
    EvictRule rules[3];
    Policy policy;
    EvictorMoment moment;
    Evictor *e;
} Capped;

static EvictJob *queued(size_t i)
{
    assert_true(i < n_queued);
    return (EvictJob *)queue[i];
}

/* The job at @i ends, having found @bytes idle for @seconds, or evicted them. */
static void finish(size_t i, uint64_t seconds, uint64_t bytes)
{
    EvictJob *ej = queued(i);

    if (ej->task.look_only)
        evict_ages_add(&ej->ages, seconds * USEC_PER_SEC, bytes);
    else
        ej->sum.evicted[EVICT_ADVISE] = bytes;
    ej->job.done(&ej->job, ej->job.owner);
    ej->job.destroy(&ej->job);
}

/* So much later, with so much cache, of which so much is to go. */
static size_t tick(Capped *c, uint64_t seconds, uint64_t cache, uint64_t cold)
{
    c->moment.now_usec += seconds * USEC_PER_SEC;
    c->moment.cache.at_usec = c->moment.now_usec;
    c->moment.cache.cache = cache;
    c->moment.cold = cold;
    n_queued = 0;
    evictor_tick(c->e, &c->moment);
    return n_queued;
}

static void expect_count(size_t i, const char *path)
{
    assert_string_equal(queued(i)->task.path, path);
    assert_true(queued(i)->task.look_only);
}

static void expect_evict(size_t i, const char *path, uint64_t seconds, uint64_t enough)
{
    const EvictTask *task = &queued(i)->task;

    assert_string_equal(task->path, path);
    assert_false(task->look_only);
    assert_int_equal(task->idle_usec, seconds * USEC_PER_SEC);
    assert_int_equal(task->enough, enough);
}

static void a_capped_unit(Capped *c, size_t n_rules)
{
    *c = (Capped){
        .nothing = scratch_new("/tmp"),
        .rules = {
            { .path = (char *)"/a", .idle_usec = USEC_PER_SEC },
            { .path = (char *)"/b", .idle_usec = USEC_PER_SEC, .when = EVICT_WHEN_DISTRESS },
            { .path = (char *)"/c", .idle_usec = USEC_PER_SEC },
        },
        .moment.now_usec = 1000 * USEC_PER_SEC,
    };
    c->host = (Host){ .root_fd = c->nothing.fd, .proc_fd = c->nothing.fd, .settings = &settings };
    for (size_t i = 0; i < n_rules; i++)
        c->rules[i].every_usec = 24 * 3600 * USEC_PER_SEC;
    c->policy = (Policy){ .evicts = c->rules, .n_evicts = n_rules };
    assert_int_equal(evictor_new(&c->host, "a.service", &c->e), 0);
    assert_false(evictor_has_cold(c->e, 0));
    assert_int_equal(evictor_want(c->e, &c->policy), 0);
    assert_true(evictor_has_cold(c->e, 0));
    assert_int_equal(tick(c, 0, 100 * MIB, 0), n_rules);
    for (size_t i = 0; i < n_rules; i++)
        finish(i, 0, 0);
    log_text[0] = '\0';
}

static void capped_done(Capped *c)
{
    evictor_free(c->e);
    scratch_done(&c->nothing);
}

/* Whatever its rule waits for otherwise. */
static void at_a_cap_the_coldest_of_all_rules_go(void **state)
{
    Capped c;

    a_capped_unit(&c, 3);
    assert_int_equal(tick(&c, 1, 100 * MIB, 6 * MIB), 3);
    expect_count(0, "/a");
    expect_count(1, "/b");
    expect_count(2, "/c");
    EvictJob *jobs[] = { queued(0), queued(1), queued(2) };
    assert_true(evictor_cold_goes(c.e));
    assert_int_equal(tick(&c, 1, 100 * MIB, 6 * MIB), 0); /* while that goes on */
    memcpy(queue, jobs, sizeof(jobs));
    n_queued = 3;
    finish(0, 60, 10 * MIB);
    finish(1, 4000, 5 * MIB);
    finish(2, 2500, 5 * MIB);

    assert_int_equal(tick(&c, 1, 100 * MIB, 6 * MIB), 1);
    expect_evict(0, "/b", 2048, 6 * MIB);
    finish(0, 0, 5 * MIB);
    /* As many seconds colder, since these have passed. */
    assert_int_equal(tick(&c, 2, 95 * MIB, 6 * MIB), 1);
    expect_evict(0, "/c", 2050, MIB);
    finish(0, 0, MIB);
    assert_true(evictor_cold_goes(c.e));
    assert_int_equal(tick(&c, 1, 94 * MIB, 6 * MIB), 0);
    assert_false(evictor_cold_goes(c.e));
    assert_int_equal(tick(&c, 3, 94 * MIB, 6 * MIB), 0);

    /* All have just answered; and nothing is done for a policy that observes. */
    c.moment.observe = true;
    assert_int_equal(tick(&c, 10, 94 * MIB, 6 * MIB), 0);
    c.moment.observe = false;
    assert_int_equal(tick(&c, 0, 94 * MIB, 6 * MIB), 3);
    for (size_t i = 0; i < 3; i++)
        finish(i, 0, 0);
    assert_int_equal(tick(&c, 1, 94 * MIB, 6 * MIB), 0);
    expect_log("info: a.service: evicted 5M of 0 files matching /b\n"
               "info: a.service: evicted 1M of 0 files matching /c\n");
    capped_done(&c);
}

static void what_goes_otherwise_need_not_go_for_a_cap(void **state)
{
    Capped c;

    a_capped_unit(&c, 3);
    assert_int_equal(tick(&c, 1, 100 * MIB, 6 * MIB), 3);
    for (size_t i = 0; i < 3; i++)
        finish(i, 60, 4 * MIB);
    assert_int_equal(tick(&c, 1, 100 * MIB, 5 * MIB), 1);
    expect_evict(0, "/a", 48, 5 * MIB);
    finish(0, 0, MIB);
    assert_int_equal(tick(&c, 0, 97 * MIB, 2 * MIB), 1);
    expect_evict(0, "/b", 48, 2 * MIB);
    finish(0, 0, MIB);
    assert_int_equal(tick(&c, 0, 90 * MIB, 0), 0);
    log_text[0] = '\0';
    capped_done(&c);
}

/* A look that takes hours, at its rate: the others need not wait for it. */
static void a_cap_waits_for_no_other_look(void **state)
{
    Capped c;

    a_capped_unit(&c, 2);
    c.rules[0].rate = MIB;
    assert_int_equal(evictor_want(c.e, &c.policy), 0);
    assert_int_equal(tick(&c, 48 * 3600, 100 * MIB, 0), 2);
    Job *slow = queue[0];
    finish(1, 0, 0);
    assert_int_equal(tick(&c, 1, 100 * MIB, 20 * MIB), 1);
    expect_count(0, "/b");
    finish(0, 60, 20 * MIB);
    assert_int_equal(tick(&c, 1, 100 * MIB, 20 * MIB), 1);
    expect_evict(0, "/b", 48, 20 * MIB);
    finish(0, 0, 20 * MIB);
    assert_int_equal(tick(&c, 3, 80 * MIB, 0), 0);
    assert_int_equal(tick(&c, 3, 80 * MIB, 0), 0);
    queue[0] = slow;
    n_queued = 1;
    finish(0, 0, 0);
    log_text[0] = '\0';

    /* Of a round it gets what it can do until the next one. */
    assert_int_equal(tick(&c, 10, 100 * MIB, 20 * MIB), 2);
    finish(0, 60, 20 * MIB);
    finish(1, 50, 10 * MIB);
    assert_int_equal(tick(&c, 1, 100 * MIB, 20 * MIB), 1);
    expect_evict(0, "/a", 48, 10 * MIB);
    finish(0, 0, 10 * MIB);
    assert_int_equal(tick(&c, 0, 100 * MIB, 20 * MIB), 1);
    expect_evict(0, "/b", 48, 10 * MIB);
    finish(0, 0, 0);
    log_text[0] = '\0';
    capped_done(&c);
}

static void a_call_is_answered_amid_a_round(void **state)
{
    Capped c;

    a_capped_unit(&c, 2);
    assert_int_equal(tick(&c, 1, 100 * MIB, 8 * MIB), 2);
    finish(0, 60, 4 * MIB);
    finish(1, 60, 4 * MIB);
    assert_int_equal(tick(&c, 1, 100 * MIB, 8 * MIB), 1);
    EvictJob *first = queued(0);
    expect_evict(0, "/a", 48, 8 * MIB);
    c.moment.calls = EVICT_WHEN_DISTRESS;
    assert_int_equal(tick(&c, 10, 100 * MIB, 8 * MIB), 1);
    expect_evict(0, "/b", 1, 0);
    EvictJob *call = queued(0);
    queue[0] = &first->job;
    finish(0, 0, MIB);
    /* It has no turn any more, and none waits for it. */
    assert_int_equal(tick(&c, 1, 100 * MIB, 8 * MIB), 0);
    assert_int_equal(tick(&c, 2, 100 * MIB, 8 * MIB), 0);
    assert_false(evictor_has_cold(c.e, c.moment.now_usec));
    queue[0] = &call->job;
    n_queued = 1;
    finish(0, 0, 0);
    log_text[0] = '\0';
    capped_done(&c);
}

static void looks_that_are_due_amid_a_round(void **state)
{
    Capped c;

    a_capped_unit(&c, 2);
    c.rules[0].every_usec = c.rules[1].every_usec = 20 * USEC_PER_SEC;
    assert_int_equal(evictor_want(c.e, &c.policy), 0);
    assert_int_equal(tick(&c, 1, 100 * MIB, 8 * MIB), 2);
    finish(0, 60, 8 * MIB);
    finish(1, 60, 8 * MIB);
    assert_int_equal(tick(&c, 20, 100 * MIB, 8 * MIB), 1);
    expect_evict(0, "/a", 48, 8 * MIB);
    finish(0, 0, 4 * MIB);
    log_text[0] = '\0';
    assert_int_equal(tick(&c, 0, 96 * MIB, 0), 0);
    assert_int_equal(tick(&c, 2, 96 * MIB, 0), 1); /* it is over */
    expect_count(0, "/b");
    finish(0, 0, 0);

    /* That one only counted says nothing of when the next look is worth its while. */
    assert_int_equal(tick(&c, 100, 96 * MIB, 0), 2);
    finish(0, 0, 0);
    finish(1, 0, 0);
    assert_int_equal(tick(&c, 20, 100 * MIB, 8 * MIB), 2);
    finish(0, 0, 0);
    finish(1, 0, 0);
    assert_int_equal(tick(&c, 39, 96 * MIB, 0), 0);
    assert_int_equal(tick(&c, 1, 96 * MIB, 0), 1);
    finish(0, 0, 0);
    capped_done(&c);
}

/* Its part of a round is two looks. */
static void a_rule_rests_for_its_whole_round(void **state)
{
    Capped c;

    a_capped_unit(&c, 1);
    assert_int_equal(tick(&c, 1, 100 * MIB, 8 * MIB), 1);
    queued(0)->cpu_usec = USEC_PER_SEC;
    finish(0, 60, 8 * MIB);
    assert_int_equal(tick(&c, 1, 100 * MIB, 8 * MIB), 1);
    queued(0)->cpu_usec = USEC_PER_SEC;
    finish(0, 0, 8 * MIB);
    log_text[0] = '\0';
    assert_int_equal(tick(&c, 1, 92 * MIB, 8 * MIB), 0);
    assert_int_equal(tick(&c, 97, 92 * MIB, 8 * MIB), 0); /* 2 s are 100 at 2 % */
    assert_int_equal(tick(&c, 1, 92 * MIB, 8 * MIB), 1);
    finish(0, 0, 0);
    log_text[0] = '\0';
    capped_done(&c);
}

/* Whether a round goes through in which 8 MiB are evicted, and so much cache is left. */
static bool goes_round(Capped *c, uint64_t left)
{
    if (tick(c, 0, 100 * MIB, 8 * MIB) == 0)
        return false;
    finish(0, 60, 8 * MIB);
    assert_int_equal(tick(c, 1, 100 * MIB, 8 * MIB), 1);
    finish(0, 0, 8 * MIB);
    log_text[0] = '\0';
    assert_int_equal(tick(c, 1, left, 8 * MIB), 0);
    assert_int_equal(tick(c, 2, left, 8 * MIB), 0);
    return true;
}

static void pages_of_others_are_left_alone(void **state)
{
    static const unsigned seconds[] = { 60, 120, 240 };
    char text[300];
    Capped c;

    a_capped_unit(&c, 1);
    for (size_t i = 0; i < ELEMENTS(seconds); i++) {
        assert_true(goes_round(&c, 99 * MIB));
        snprintf(text, sizeof(text),
                 "info: a.service: 8M of its idle files were evicted, and its page cache did not "
                 "get smaller by that: others had read them first; the cap leaves them alone for "
                 "the next %u s\n",
                 seconds[i]);
        expect_log(text);
        c.moment.now_usec += (seconds[i] - 1) * USEC_PER_SEC;
        assert_false(evictor_has_cold(c.e, c.moment.now_usec));
        assert_false(goes_round(&c, 99 * MIB));
        c.moment.now_usec += USEC_PER_SEC;
        assert_true(evictor_has_cold(c.e, c.moment.now_usec));
    }
    assert_true(goes_round(&c, 92 * MIB));
    expect_log("");
    assert_true(evictor_has_cold(c.e, c.moment.now_usec));
    capped_done(&c);
}

/* What the policy says of a rule is what its job gets. */
static void keys_of_a_rule(void **state)
{
    CLEANUP_SCRATCH Scratch nothing = scratch_new("/tmp");
    Host host = { .root_fd = nothing.fd, .proc_fd = nothing.fd, .settings = &settings };
    EvictRule rules[] = {
        { .path = (char *)"/a",
          .every_usec = USEC_PER_SEC,
          .range.end = UINT64_MAX,
          .rate = UINT64_MAX },
        { .path = (char *)"/b",
          .every_usec = USEC_PER_SEC,
          .rate = 5 * MIB,
          .range = { 2 * MIB, 9 * MIB },
          .keep.last = MIB,
          .dirty = EVICT_DIRTY_WRITE_BACK,
          .mapped = EVICT_MAPPED_PAGE_OUT },
    };
    Policy policy = { .evicts = rules, .n_evicts = ELEMENTS(rules) };
    Evictor *e;

    assert_int_equal(evictor_new(&host, "a.service", &e), 0);
    assert_int_equal(evictor_want(e, &policy), 0);
    evictor_tick(e, &(EvictorMoment){ .now_usec = 1, .control_group = "/a.slice/a.service" });
    assert_int_equal(n_queued, 2);
    const EvictTask *plain = &((EvictJob *)queue[0])->task;
    const EvictTask *all = &((EvictJob *)queue[1])->task;
    assert_int_equal(plain->rate, 0);
    assert_int_equal(plain->bounds.begin, 0);
    assert_int_equal(plain->bounds.end, UINT64_MAX);
    assert_int_equal(plain->bounds.last, 0);
    assert_false(plain->allowed.write_back || plain->allowed.page_out || plain->allowed.reclaim);
    assert_int_equal(all->rate, 5 * MIB);
    assert_int_equal(all->bounds.begin, 2 * MIB);
    assert_int_equal(all->bounds.end, 9 * MIB);
    assert_int_equal(all->bounds.last, MIB);
    assert_true(all->allowed.write_back && all->allowed.page_out && all->allowed.reclaim);
    assert_string_equal(all->control_group, "/a.slice/a.service");
    run_queue();
    evictor_free(e);
}

/* The next look is as far away as the last one was in vain, and another `every` begins anew. */
static void looks_in_vain_become_rarer(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    Host host = { .root_fd = root.fd, .proc_fd = proc.fd, .settings = &settings };
    EvictRule rule = { .path = (char *)"/*",
                       .idle_usec = USEC_PER_SEC,
                       .every_usec = 30 * USEC_PER_SEC };
    Policy policy = { .evicts = &rule, .n_evicts = 1 };
    Evictor *e;

    put_process(&proc);
    assert_int_equal(evictor_new(&host, "a.service", &e), 0);
    assert_int_equal(evictor_want(e, &policy), 0);
    (void)looks_only(e, 1000, 0);
    assert_true(is_quiet(e, 1059, 0));
    (void)looks_only(e, 1060, 0);
    assert_true(is_quiet(e, 1179, 0));
    rule.every_usec = 10 * USEC_PER_SEC;
    assert_int_equal(evictor_want(e, &policy), 0);
    (void)looks_only(e, 1071, 0);
    evictor_free(e);
}

/* A look that took long rests for as long as its share makes it, called or not. */
static void a_long_look_rests(void **state)
{
    CLEANUP_SCRATCH Scratch nothing = scratch_new("/tmp");
    Host host = { .root_fd = nothing.fd, .proc_fd = nothing.fd, .settings = &settings };
    EvictRule rules[] = {
        { .path = (char *)"/*",
          .idle_usec = USEC_PER_SEC,
          .every_usec = 30 * USEC_PER_SEC,
          .when = EVICT_WHEN_DISTRESS },
    };
    Policy policy = { .evicts = rules, .n_evicts = 1 };
    EvictorMoment moment = {
        .now_usec = 1000 * USEC_PER_SEC,
        .cpu_ppm = EVICT_CPU_PPM / 2,
    };
    uint64_t ppm;
    Evictor *e;

    assert_int_equal(evictor_new(&host, "a.service", &e), 0);
    assert_false(evictor_cpu_ppm(e, 0, &ppm));
    assert_int_equal(evictor_want(e, &policy), 0);
    evictor_tick(e, &moment);
    assert_int_equal(n_queued, 1);
    /* It took a second: that is 100 s at 1 %. */
    EvictJob *ej = (EvictJob *)queue[0];
    ej->error = 0;
    ej->cpu_usec = USEC_PER_SEC;
    ej->job.done(&ej->job, ej->job.owner);
    ej->job.destroy(&ej->job);
    n_queued = 0;
    assert_true(evictor_cpu_ppm(e, 0, &ppm) && ppm == 16666); /* every minute: it was in vain */
    assert_false(evictor_cpu_ppm(e, 1, &ppm));

    moment.calls = EVICT_WHEN_DISTRESS;
    evictor_tick(e, &moment); /* the first call is answered at once, */
    assert_int_equal(n_queued, 1);
    assert_true(evictor_cpu_ppm(e, 0, &ppm) && ppm == 100000); /* then every 10 s, if it may */
    ej = (EvictJob *)queue[0];
    ej->cpu_usec = USEC_PER_SEC;
    ej->job.done(&ej->job, ej->job.owner);
    ej->job.destroy(&ej->job);
    n_queued = 0;
    moment.now_usec += 99 * USEC_PER_SEC;
    evictor_tick(e, &moment);
    assert_int_equal(n_queued, 0);
    moment.calls = 0;
    evictor_tick(e, &moment);
    assert_int_equal(n_queued, 0);
    assert_true(evictor_cpu_ppm(e, 0, &ppm) && ppm < 100000);
    moment.cold = MIB; /* of a cap: the same */
    evictor_tick(e, &moment);
    assert_int_equal(n_queued, 0);
    assert_true(evictor_cpu_ppm(e, 0, &ppm) && ppm == 100000);
    moment.cold = 0;
    moment.calls = EVICT_WHEN_DISTRESS;
    moment.now_usec += USEC_PER_SEC;
    evictor_tick(e, &moment);
    assert_int_equal(n_queued, 1);
    run_queue();
    evictor_free(e);
}

/* Of the thread that it is in: here that of the test. */
static void a_look_steps_aside(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    Host host = { .root_fd = root.fd, .proc_fd = proc.fd, .settings = &settings };
    pid_t child = must(fork());

    if (child == 0) {
        int before = getpriority(PRIO_PROCESS, (id_t)gettid());

        put_process(&proc);
        Evictor *e = an_evictor(&host, "/srv/*");
        look(e);
        _exit(getpriority(PRIO_PROCESS, (id_t)gettid()) <= before && before < 19);
    }
    int status;
    must(waitpid(child, &status, 0));
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_steps_aside), /* before any other has made the thread do so */
        cmocka_unit_test(what_is_passed_over_is_told_until_it_changes),
        cmocka_unit_test(a_path_that_is_not_there_yet),
        cmocka_unit_test(what_waits_for_a_call_only_looks_until_then),
        cmocka_unit_test(a_call_waits_for_no_other_look),
        cmocka_unit_test(at_a_cap_the_coldest_of_all_rules_go),
        cmocka_unit_test(what_goes_otherwise_need_not_go_for_a_cap),
        cmocka_unit_test(a_cap_waits_for_no_other_look),
        cmocka_unit_test(a_call_is_answered_amid_a_round),
        cmocka_unit_test(looks_that_are_due_amid_a_round),
        cmocka_unit_test(a_rule_rests_for_its_whole_round),
        cmocka_unit_test(pages_of_others_are_left_alone),
        cmocka_unit_test(keys_of_a_rule),
        cmocka_unit_test(a_long_look_rests),
        cmocka_unit_test(looks_in_vain_become_rarer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
