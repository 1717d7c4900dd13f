/* SPDX-License-Identifier: MIT */
#include "unit/daemon/limiter-world.h"

/* The kernel, which takes what the test says, and answers so. */

static ReclaimScope scope_asked;
static int answer;
static const World *takes_from; /* NULL: nothing is taken */

static void take_pages(unsigned n)
{
    const char *at = strstr(STAT, "pgsteal 0");
    CLEANUP_FREE char *text = NULL;

    must(asprintf(&text, "%.*spgsteal %u%s", (int)(at - STAT), STAT, n, strchr(at, '\n')));
    scratch_put(&takes_from->cgroups, "system.slice/a.service/memory.stat", text);
}

int __wrap_cgroup_reclaim(Cgroup *cgroup, uint64_t bytes, ReclaimScope scope);
int __wrap_cgroup_reclaim(Cgroup *cgroup, uint64_t bytes, ReclaimScope scope)
{
    scope_asked = scope;
    if (takes_from)
        take_pages(700);
    return answer;
}

/* The file first, and it is in the ledger by then; systemd next. */
static void growth_is_stopped_at_once(void **state)
{
    World w;

    world_begin(&w);
    assert_true(decide(&w, CURRENT, LIMIT_REASON_FREEZE, 0));
    assert_int_equal(n_asked, 0);
    const LedgerEntry *entry = ledger_find(&w.ledger, "a.service");
    assert_true(entry && entry->original == ORIGINAL && ledger_entry_is_ours(entry, CURRENT));
    run_queue();
    assert_int_equal(high(&w), CURRENT);
    assert_true(limiter_status(w.limiter).applied);
    assert_int_equal(n_asked, 1);
    assert_int_equal(asked_bytes, CURRENT);
    systemd_answers(&w);
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_int_equal(n_asked, 1);
    world_end(&w);
}

/* What there is room for is a limit before anything is short, and falls with the room. */
static void room_is_followed_both_ways(void **state)
{
    World w;

    world_begin(&w);
    assert_true(decide(&w, CURRENT + 100 * MIB, LIMIT_REASON_ROOM, 0));
    run_queue();
    assert_int_equal(high(&w), CURRENT + 100 * MIB);
    systemd_answers(&w);
    assert_true(decide(&w, CURRENT + 40 * MIB, LIMIT_REASON_ROOM, 0));
    assert_int_equal(asked_bytes, CURRENT + 40 * MIB);
    systemd_answers(&w);
    /* What is given back is never less than before. */
    assert_true(decide(&w, CURRENT + 20 * MIB, LIMIT_REASON_RETURN, 0));
    assert_int_equal(high(&w), CURRENT + 40 * MIB);
    assert_int_equal(n_asked, 2);
    world_end(&w);
}

/* Without the bus, too; and systemd is told as soon as there is one. */
static void without_a_bus(void **state)
{
    World w;

    world_begin(&w);
    w.host.bus = NULL;
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(high(&w), ORIGINAL);
    assert_false(limiter_status(w.limiter).applied);
    assert_non_null(ledger_find(&w.ledger, "a.service"));
    w.host.bus = (sd_bus *)&w;
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(asked_bytes, ORIGINAL);
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    assert_int_equal(n_removed, 1);
    world_end(&w);
}

/* Until systemd has it, `systemctl set-property CPUWeight=` puts back what systemd has. */
static void what_systemd_puts_back_is_nobodys_decision(void **state)
{
    World w;

    world_begin(&w);
    w.host.bus = NULL;
    freeze(&w);
    w.host.bus = (sd_bus *)&w;
    put_number(&w, "memory.high", ORIGINAL);
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_int_equal(asked_bytes, CURRENT);
    systemd_answers(&w);
    /* From then on it is. */
    put_number(&w, "memory.high", ORIGINAL);
    assert_false(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_string_equal(limiter_status(w.limiter).reason, "changed-by-someone-else");
    world_end(&w);
}

static void what_someone_else_sets_is_left(void **state)
{
    World w;

    world_begin(&w);
    freeze(&w);
    systemd_answers(&w);
    put_number(&w, "memory.high", SOMEBODYS);
    assert_false(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    limiter_release(w.limiter);
    assert_true(limiter_is_idle(w.limiter));
    assert_int_equal(high(&w), SOMEBODYS);
    assert_int_equal(n_asked, 1);
    load_policies_again(&w);
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    assert_int_equal(ledger_find(&w.ledger, "a.service")->original, SOMEBODYS);
    world_end(&w);
}

/* What systemd was asked for before comes after, and is put right. */
static void let_go_while_it_is_being_set(void **state)
{
    World w;

    world_begin(&w);
    freeze(&w);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    assert_int_equal(high(&w), ORIGINAL);
    systemd_answers(&w);
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(asked_bytes, ORIGINAL);
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

/* What is decided meanwhile, and changes nothing, is not why. */
static void a_change_has_the_reason_that_it_was_made_for(void **state)
{
    World w;

    world_begin(&w);
    freeze(&w);
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    systemd_answers(&w);
    assert_string_equal(limiter_status(w.limiter).changed_for, "freeze");
    assert_string_equal(limiter_status(w.limiter).reason, "hold");
    assert_true(decide(&w, CURRENT + 4 * MIB, LIMIT_REASON_GROWTH, 0));
    assert_true(decide(&w, CURRENT + 4 * MIB, LIMIT_REASON_HOLD, 0));
    systemd_answers(&w);
    assert_string_equal(limiter_status(w.limiter).changed_for, "growth");
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    systemd_answers(&w);
    assert_string_equal(limiter_status(w.limiter).changed_for, "stall");
    world_end(&w);
}

static void let_go_while_it_is_being_written(void **state)
{
    World w;

    world_begin(&w);
    assert_true(decide(&w, CURRENT, LIMIT_REASON_FREEZE, 0));
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    assert_false(limiter_is_idle(w.limiter));
    run_queue();
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(asked_bytes, ORIGINAL);
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

/* systemd reads its files */

static const UnitDetails details = { .control_group = "/system.slice/a.service" };

static void reload(World *w)
{
    w->host.reloading = true;
    w->host.reloads++;
}

static void reloaded(World *w)
{
    w->host.reloading = false;
}

static void look_at_files(World *w)
{
    assert_true(limiter_wants_files(w->limiter));
    limiter_note_files(w->limiter, &details, w->host.reloads);
    assert_false(limiter_wants_files(w->limiter));
}

/* What is asked for meanwhile comes after, and over what they say. */
static void nothing_is_asked_of_a_systemd_that_reads_files(void **state)
{
    World w;

    world_begin(&w);
    limiter_note_files(w.limiter, &details, 0);
    reload(&w);
    freeze(&w);
    reloaded(&w);
    freeze(&w);
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(n_asked, 0);
    look_at_files(&w);
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    systemd_answers(&w);
    /* Nothing has changed; and what stalls is let go all the same. */
    reload(&w);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(n_asked, 1);
    reloaded(&w);
    look_at_files(&w);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    assert_int_equal(asked_bytes, ORIGINAL);
    world_end(&w);
}

static void what_an_admin_writes_into_files(World *w)
{
    files_high = SOMEBODYS;
    reload(w);
    reloaded(w);
    look_at_files(w);
}

static void expect_theirs(World *w)
{
    assert_int_equal(asked_bytes, SOMEBODYS);
    assert_false(decide(w, CURRENT, LIMIT_REASON_FREEZE, 0));
    assert_string_equal(limiter_status(w->limiter).reason, "changed-by-someone-else");
    systemd_answers(w);
    assert_int_equal(high(w), SOMEBODYS);
    assert_int_equal(n_removed, 1);
    assert_true(limiter_is_idle(w->limiter));
    assert_false(decide(w, CURRENT, LIMIT_REASON_FREEZE, 0));
    load_policies_again(w);
    freeze(w);
    assert_int_equal(ledger_find(&w->ledger, "a.service")->original, SOMEBODYS);
}

static void files_are_the_admins(void **state)
{
    World w;

    world_begin(&w);
    limiter_note_files(w.limiter, &details, 0);
    freeze(&w);
    systemd_answers(&w);
    what_an_admin_writes_into_files(&w);
    assert_int_equal(n_asked, 2);
    assert_int_equal(ledger_find(&w.ledger, "a.service")->original, SOMEBODYS);
    expect_theirs(&w);
    world_end(&w);
}

/* And what systemd was asked for before is done after it. */
static void files_are_the_admins_while_a_limit_is_being_set(void **state)
{
    World w;

    world_begin(&w);
    limiter_note_files(w.limiter, &details, 0);
    freeze(&w);
    what_an_admin_writes_into_files(&w);
    assert_int_equal(n_asked, 1);
    systemd_answers(&w);
    assert_int_equal(n_asked, 2);
    expect_theirs(&w);
    world_end(&w);
}

/* Where nothing of ours is in force, what they say is in force already. */
static void files_of_a_unit_without_a_limit(void **state)
{
    World w;

    world_begin(&w);
    limiter_note_files(w.limiter, &details, 0);
    files_high = SOMEBODYS;
    reload(&w);
    reloaded(&w);
    assert_false(limiter_wants_files(w.limiter));
    put_number(&w, "memory.high", SOMEBODYS);
    freeze(&w);
    look_at_files(&w);
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    assert_int_equal(ledger_find(&w.ledger, "a.service")->original, SOMEBODYS);
    systemd_answers(&w);
    world_end(&w);
}

/* Nothing falls here however much is reclaimed: no more is than was missing, in small pieces, and
 * the limit stands where the use is. */
static void reclaimed_before_it_is_limited(void **state)
{
    World w;

    world_begin(&w);
    assert_true(decide(&w, CURRENT - 40 * MIB, LIMIT_REASON_DISTRESS, 40 * MIB));
    for (unsigned pieces = 1; pieces <= 3; pieces++) {
        assert_int_equal(n_queued, 1);
        assert_int_equal(n_asked, 0);
        Job *job = queue[0];
        n_queued = 0;
        job->run(job);
        job->done(job, job->owner);
        job->destroy(job);
    }
    assert_int_equal(n_queued, 0);
    assert_int_equal(asked_bytes, CURRENT);
    assert_int_equal(limiter_status(w.limiter).reclaimed, 40 * MIB);
    systemd_answers(&w);
    world_end(&w);
}

static void set_lower(World *w)
{
    world_begin(w);
    assert_true(decide(w, CURRENT + 100 * MIB, LIMIT_REASON_ROOM, 0));
    run_queue();
    systemd_answers(w);
    assert_true(decide(w, CURRENT + 40 * MIB, LIMIT_REASON_ROOM, 0));
    assert_int_equal(n_asked, 2);
}

/* More is needed before all is reclaimed that was too much, and again. */
static void a_raise_waits_for_no_reclaim(void **state)
{
    World w;

    set_lower(&w);
    systemd_answers(&w);
    assert_true(decide(&w, CURRENT + 40 * MIB, LIMIT_REASON_STEADY, 40 * MIB));
    assert_int_equal(n_queued, 1);
    for (unsigned i = 1; i <= 2; i++) {
        assert_true(decide(&w, CURRENT + (40 + i) * MIB, LIMIT_REASON_GROWTH, 30 * MIB));
        assert_int_equal(asked_bytes, CURRENT + (40 + i) * MIB);
        systemd_answers(&w);
        assert_int_equal(limiter_status(w.limiter).value, CURRENT + (40 + i) * MIB);
        assert_int_equal(n_queued, 1 + i); /* and what is too much is reclaimed meanwhile */
    }
    world_end(&w);
}

/* As one that its own limit holds back can be for a while. */
static void a_use_above_what_was_before(void **state)
{
    World w;

    world_begin(&w);
    put_number(&w, "memory.high", CURRENT - 50 * MIB);
    assert_true(decide(&w, CURRENT - 60 * MIB, LIMIT_REASON_DISTRESS, 0));
    run_queue();
    assert_true(decide(&w, CURRENT - 60 * MIB, LIMIT_REASON_FREEZE, 0));
    run_queue();
    assert_int_equal(high(&w), CURRENT - 50 * MIB);
    assert_int_equal(n_asked, 0);
    world_end(&w);
}

/* Less could be had than was asked for, and that went. */
static void what_was_taken_counts(void **state)
{
    World w;

    world_begin(&w);
    takes_from = &w;
    answer = -EAGAIN;
    assert_true(decide(&w, CURRENT - 40 * MIB, LIMIT_REASON_DISTRESS, 40 * MIB));
    run_queue();
    answer = 0;
    takes_from = NULL;
    assert_int_equal(limiter_status(w.limiter).reclaimed, 700 * 4096);
    systemd_answers(&w);
    world_end(&w);
}

static ReclaimScope scope_of(World *w, LimitMode mode)
{
    assert_true(decide_as(w, mode, CURRENT - MIB, LIMIT_REASON_PROBE, MIB));
    run_queue();
    if (asked)
        systemd_answers(w);
    return scope_asked;
}

/* Before Linux 6.8 the kernel cannot leave anonymous memory alone, nor does it under a limit; and
 * `track` only tries. */
static void what_may_be_taken_where_there_is_swap(void **state)
{
    World w;

    world_begin(&w);
    assert_int_equal(scope_of(&w, LIMIT_TRACK), RECLAIM_FILE_OR_ALL);
    swap_free = MIB;
    assert_int_equal(scope_of(&w, LIMIT_YIELD), RECLAIM_FILE_OR_ALL);
    assert_int_equal(scope_of(&w, LIMIT_FIXED), RECLAIM_FILE_OR_ALL);
    answer = -EINVAL;
    assert_int_equal(scope_of(&w, LIMIT_TRACK), RECLAIM_FILE);
    answer = 0;
    world_end(&w);
}

/* A control group that is no unit: its file, and nobody is asked. */

#define POD "/pods/1f"

static void pod_begin(World *w)
{
    world_begin(w);
    limiter_free(w->limiter);
    scratch_put(&w->cgroups, "pods/1f/cgroup.procs", "");
    scratch_put(&w->cgroups, "pods/1f/memory.stat", STAT);
    scratch_put(&w->cgroups, "pods/1f/memory.reclaim", "");
    scratch_put(&w->cgroups, "pods/1f/memory.current", "204800000\n");
    scratch_put(&w->cgroups, "pods/1f/memory.high", "999997440\n");
    w->host.bus = NULL;
    assert_int_equal(limiter_new(&w->host, POD, POD, &w->limiter), 0);
}

static uint64_t pod_high(const World *w)
{
    char text[64];

    return strtoull(scratch_get(&w->cgroups, "pods/1f/memory.high", text, sizeof(text)), NULL, 10);
}

static void pod_update(World *w, uint64_t value)
{
    const LimitConfig config = { .mode = LIMIT_FIXED, .value = value };
    const LimitContext context = { 0 };
    const Sample sample = {
        .at_usec = USEC_PER_SEC,
        .page = 4096,
        .current = value,
        .high = pod_high(w),
        .max = LIMIT_NONE,
        .memory_psi.valid = true,
    };

    limiter_update(w->limiter, &config, &context, &sample);
    run_queue();
}

static void a_control_group_is_set_by_its_file(void **state)
{
    World w;

    pod_begin(&w);
    pod_update(&w, CURRENT);
    assert_int_equal(pod_high(&w), CURRENT);
    assert_true(limiter_status(w.limiter).applied);
    const LedgerEntry *entry = ledger_find(&w.ledger, POD);
    assert_true(entry && entry->original == ORIGINAL && entry->id > 0);
    pod_update(&w, CURRENT + 4096);
    assert_int_equal(pod_high(&w), CURRENT + 4096);
    limiter_release(w.limiter);
    assert_int_equal(pod_high(&w), ORIGINAL);
    assert_true(limiter_is_idle(w.limiter));
    assert_int_equal(n_asked, 0);
    world_end(&w);
}

/* Above what was before, giving it back is a way down: the worker's. */
static void a_control_group_that_had_less(void **state)
{
    World w;

    pod_begin(&w);
    scratch_put(&w.cgroups, "pods/1f/memory.high", "100003840\n");
    pod_update(&w, CURRENT);
    assert_int_equal(pod_high(&w), CURRENT);
    limiter_release(w.limiter);
    assert_int_equal(pod_high(&w), CURRENT);
    assert_false(limiter_is_idle(w.limiter));
    run_queue();
    assert_int_equal(pod_high(&w), 100003840);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

/* To let go of it would tighten, whatever the unit stalls for. */
static void a_fixed_limit_above_what_was_before(void **state)
{
    const LimitConfig config = { .mode = LIMIT_FIXED, .value = CURRENT };
    const LimitContext context = { 0 };
    World w;
    Sample sample = {
        .at_usec = USEC_PER_SEC, .page = 4096, .current = 100003840, .memory_psi.valid = true
    };

    pod_begin(&w);
    scratch_put(&w.cgroups, "pods/1f/memory.high", "100003840\n");
    for (unsigned i = 0; i < 10; i++) {
        sample.high = pod_high(&w);
        limiter_update(w.limiter, &config, &context, &sample);
        run_queue();
        assert_int_equal(pod_high(&w), CURRENT);
        sample.at_usec += USEC_PER_SEC;
        sample.memory_psi.full_usec += 900 * USEC_PER_MSEC;
    }
    world_end(&w);
}

/* Its path is another one's now, which happens to have what we set. */
static void a_path_that_another_control_group_has(void **state)
{
    World w;

    pod_begin(&w);
    pod_update(&w, CURRENT);
    must(renameat(w.cgroups.fd, "pods/1f", w.cgroups.fd, "pods/old"));
    scratch_put(&w.cgroups, "pods/1f/memory.stat", STAT);
    scratch_put(&w.cgroups, "pods/1f/memory.current", "204800000\n");
    scratch_put(&w.cgroups, "pods/1f/memory.high", "204800000\n");
    assert_int_equal(pod_high(&w), CURRENT);
    limiter_release(w.limiter);
    run_queue();
    assert_int_equal(pod_high(&w), CURRENT);
    assert_true(limiter_is_idle(w.limiter));
    assert_null(ledger_find(&w.ledger, POD));
    world_end(&w);
}

static void a_control_group_that_someone_else_sets(void **state)
{
    World w;

    pod_begin(&w);
    pod_update(&w, CURRENT);
    scratch_put(&w.cgroups, "pods/1f/memory.high", "999997440\n");
    pod_update(&w, CURRENT);
    assert_int_equal(pod_high(&w), ORIGINAL);
    assert_string_equal(limiter_status(w.limiter).reason, "changed-by-someone-else");
    assert_true(limiter_is_idle(w.limiter));
    /* Made anew at the same path, it is the same to whoever sets it. */
    limiter_cgroup_gone(w.limiter);
    pod_update(&w, CURRENT);
    assert_int_equal(pod_high(&w), ORIGINAL);
    world_end(&w);
}

/* Another one at the same path was never limited. */
static void a_control_group_that_is_made_anew(void **state)
{
    World w;

    pod_begin(&w);
    pod_update(&w, CURRENT);
    limiter_cgroup_gone(w.limiter);
    assert_true(limiter_is_idle(w.limiter));
    assert_false(limiter_status(w.limiter).applied);
    scratch_put(&w.cgroups, "pods/1f/memory.high", "999997440\n");
    pod_update(&w, CURRENT);
    assert_int_equal(pod_high(&w), CURRENT);
    world_end(&w);
}

/* It is tried again and again, and said once, and once more when it fails anew. */
static void a_ledger_that_cannot_be_written(void **state)
{
    static const char *const message = "warning: a.service: cannot set memory.high, the ledger "
                                       "cannot be written: Bad file descriptor\n";
    World w;
    int dir_fd;

    world_begin(&w);
    dir_fd = w.ledger.dir_fd;
    for (unsigned i = 0; i < 2; i++) {
        w.ledger.dir_fd = -1;
        for (unsigned k = 0; k < 5; k++) {
            freeze(&w);
            now += 10 * USEC_PER_SEC;
        }
        expect_log(message);
        assert_int_equal(high(&w), ORIGINAL);
        w.ledger.dir_fd = dir_fd;
        freeze(&w);
        systemd_answers(&w);
        assert_int_equal(high(&w), CURRENT);
        assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
        systemd_answers(&w);
        log_text[0] = '\0';
    }
    world_end(&w);
}

/* Not at once, and neither is it given up. */
static void asks_again_for_what_systemd_knows_not(void **state)
{
    World w;

    world_begin(&w);
    freeze(&w);
    systemd_is_gone();
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_int_equal(n_asked, 1);
    assert_int_equal(high(&w), CURRENT);
    now += 10 * USEC_PER_SEC;
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_int_equal(n_asked, 2);
    systemd_answers(&w);
    now += 10 * USEC_PER_SEC;
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_int_equal(n_asked, 2);
    world_end(&w);
}

static void asks_again_for_a_change(void **state)
{
    World w;

    set_lower(&w);
    systemd_is_gone();
    assert_true(decide(&w, CURRENT + 40 * MIB, LIMIT_REASON_ROOM, 0));
    assert_int_equal(n_asked, 2);
    assert_int_equal(limiter_status(w.limiter).value, CURRENT + 100 * MIB);
    now += 10 * USEC_PER_SEC;
    assert_true(decide(&w, CURRENT + 40 * MIB, LIMIT_REASON_ROOM, 0));
    assert_int_equal(n_asked, 3);
    systemd_answers(&w);
    assert_int_equal(limiter_status(w.limiter).value, CURRENT + 40 * MIB);
    world_end(&w);
}

/* A change whose answer is lost is in force, and ours. */
static void an_answer_that_is_lost(void **state)
{
    World w;

    set_lower(&w);
    put_number(&w, "memory.high", asked_bytes);
    systemd_is_gone();
    assert_int_equal(limiter_status(w.limiter).value, CURRENT + 40 * MIB);
    now += 10 * USEC_PER_SEC;
    assert_true(decide(&w, CURRENT + 40 * MIB, LIMIT_REASON_ROOM, 0));
    assert_int_equal(n_asked, 3);
    systemd_answers(&w);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

/* A systemd that begins anew sets what it had: that is ours, too, and is given back again. */
static void asks_again_to_give_it_back(void **state)
{
    World w;

    world_begin(&w);
    limit_and_let_go(&w);
    systemd_is_gone();
    assert_false(limiter_is_idle(w.limiter));
    put_number(&w, "memory.high", CURRENT);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(n_asked, 2);
    now += 10 * USEC_PER_SEC;
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(n_asked, 3);
    systemd_answers(&w);
    assert_int_equal(high(&w), ORIGINAL);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

/* A limit that is there stays the lower one. */
static void a_lower_original_stays(void **state)
{
    World w;

    world_begin(&w);
    assert_true(decide(&w, ORIGINAL + 4096, LIMIT_REASON_HOLD, 0));
    assert_int_equal(n_asked, 0);
    assert_int_equal(high(&w), ORIGINAL);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_is_stopped_at_once),
        cmocka_unit_test(room_is_followed_both_ways),
        cmocka_unit_test(without_a_bus),
        cmocka_unit_test(what_systemd_puts_back_is_nobodys_decision),
        cmocka_unit_test(what_someone_else_sets_is_left),
        cmocka_unit_test(let_go_while_it_is_being_set),
        cmocka_unit_test(a_change_has_the_reason_that_it_was_made_for),
        cmocka_unit_test(let_go_while_it_is_being_written),
        cmocka_unit_test(nothing_is_asked_of_a_systemd_that_reads_files),
        cmocka_unit_test(files_are_the_admins),
        cmocka_unit_test(files_are_the_admins_while_a_limit_is_being_set),
        cmocka_unit_test(files_of_a_unit_without_a_limit),
        cmocka_unit_test(reclaimed_before_it_is_limited),
        cmocka_unit_test(a_raise_waits_for_no_reclaim),
        cmocka_unit_test(a_use_above_what_was_before),
        cmocka_unit_test(a_fixed_limit_above_what_was_before),
        cmocka_unit_test(what_was_taken_counts),
        cmocka_unit_test(what_may_be_taken_where_there_is_swap),
        cmocka_unit_test(a_ledger_that_cannot_be_written),
        cmocka_unit_test(asks_again_for_what_systemd_knows_not),
        cmocka_unit_test(asks_again_for_a_change),
        cmocka_unit_test(an_answer_that_is_lost),
        cmocka_unit_test(asks_again_to_give_it_back),
        cmocka_unit_test(a_lower_original_stays),
        cmocka_unit_test(a_control_group_is_set_by_its_file),
        cmocka_unit_test(a_control_group_that_had_less),
        cmocka_unit_test(a_path_that_another_control_group_has),
        cmocka_unit_test(a_control_group_that_someone_else_sets),
        cmocka_unit_test(a_control_group_that_is_made_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
