/* SPDX-License-Identifier: MIT */
#include "sim/cap_run.h"

#include "control/floor.h"
#include "unit/test.h"

void cap_run_init(CapRun *run, double cap)
{
    *run = (CapRun){ .context.max = (uint64_t)cap, .lowest = INFINITY, .let_go_at = -INFINITY };
    unit_init(&run->unit, 4e6);
    run->unit.anon = run->unit.anon_want = 50e6;
}

static double seconds(uint64_t usec)
{
    return ((double)usec - USEC_PER_SEC) / 1e6;
}

static void count_turn(CapRun *run, double before)
{
    int direction = (run->unit.high > before) - (run->unit.high < before);

    if (direction * run->direction < 0) {
        if (run->turns >= CAP_TURNS && run->now - run->turned[run->turns % CAP_TURNS] < 60)
            fail_msg("%.2f s: memory.high turns for the %uth time in a minute", run->now,
                     CAP_TURNS + 1);
        run->turned[run->turns++ % CAP_TURNS] = run->now;
    }
    run->changes += direction != 0;
    if (direction != 0)
        run->direction = direction;
}

static void judge_brake(const CapRun *run, const Sample *sample)
{
    const LimitDecision *d = &run->limited;

    assert_true(d->reclaim == 0);
    if (d->want == LIMIT_NONE)
        return;
    if (d->want < limit_floor(sample, 0))
        fail_msg("%.2f s: %.1f MB is below the floor", run->now, (double)d->want / 1e6);
    assert_true(cap_is_kept(run->last.reason) && run->unit.has_psi && run->unit.swap <= 0);
    assert_true(run->now - run->let_go_at >= (double)LIMIT_HOLD_USEC / 1e6 - STEP);
}

/* The daemon never sets a limit below the use. */
static void look_at_brake(CapRun *run, const Sample *sample, bool pressed)
{
    const LimitConfig config = { .mode = LIMIT_BRAKE, .value = run->context.max };
    const LimitContext context = {
        .capped = cap_is_kept(run->last.reason),
        .swap_free = (uint64_t)run->unit.swap,
        .pressed = pressed,
    };
    double before = run->unit.high;

    LimitDecision d = limit_decide(&run->limit, &config, &context, sample);
    run->limited = d;
    judge_brake(run, sample);
    run->unit.high = d.want == LIMIT_NONE ? INFINITY : fmax((double)d.want, unit_use(&run->unit));
    count_turn(run, before);
    if (d.next_usec > 0)
        run->next = fmin(run->next, seconds(d.next_usec));
    if (d.reason == LIMIT_REASON_STALL && !isinf(before)) {
        run->let_go++;
        run->let_go_at = run->now;
    }
}

static Sample sample_of(const CapRun *run)
{
    Sample sample = unit_sample(&run->unit, run->now);

    sample.file_dirty = (uint64_t)run->dirty;
    sample.inactive_file += sample.file_dirty;
    sample.current += sample.file_dirty;
    return sample;
}

/* As the daemon does it: what is decided is done, and then looked at anew. */
static void look(CapRun *run, bool pressed)
{
    Sample sample = sample_of(run);
    uint64_t cache = cap_cache(&sample), low = run->context.max / 100 * CAP_LOW_PERCENT;
    double anon = run->unit.anon;
    CapReason before = run->last.reason;

    run->context.braked = !isinf(run->unit.high);
    CapDecision d = cap_decide(&run->state, &run->context, &sample);
    run->last = d;
    run->next = d.next_usec > 0 ? seconds(d.next_usec) : run->now + 1;
    run->given_up += d.reason == CAP_COSTS && before != CAP_COSTS;
    if (d.reclaim > 0) {
        assert_true(d.reason == CAP_OVER);
        assert_true(cache > low && d.reclaim <= cache - low + 100);
        run->trims++;
        run->settled = true;
        (void)unit_reclaim(&run->unit, (double)d.reclaim);
        run->next = run->now;
        assert_false(run->unit.anon < anon);
        sample = sample_of(run);
    }
    if (run->brake)
        look_at_brake(run, &sample, pressed);
}

/* The daemon arms it while there is a limit. */
static bool trigger_fires(CapRun *run)
{
    bool fires = !isinf(run->unit.high) &&
                 run->unit.memory_some - run->felt >= (double)TRACK_STALL_USEC / 1e6;

    if (fires || run->now - run->felt_at >= (double)TRACK_WINDOW_USEC / 1e6) {
        run->felt_at = run->now;
        run->felt = run->unit.memory_some;
    }
    return fires;
}

void cap_run_step(CapRun *run)
{
    Host host = { .now = run->now, .size = INFINITY, .units = &run->unit, .n_units = 1 };
    double refaults = run->unit.refaults, stalled = run->unit.memory_some;

    host_step(&host);
    run->now = host.now;
    run->braked_seconds += isinf(run->unit.high) ? 0 : STEP;
    double most = unit_file(&run->unit);
    bool settled = run->settled, fires = trigger_fires(run);
    if (fires || run->now >= run->next - STEP / 2)
        look(run, fires);
    if (run->last.reason == CAP_COSTS) {
        run->given_up_seconds += STEP;
        run->settled = false;
        return;
    }
    run->refaults += run->unit.refaults - refaults;
    run->stalled += run->unit.memory_some - stalled;
    if (settled) {
        run->highest = fmax(run->highest, most);
        run->lowest = fmin(run->lowest, unit_file(&run->unit));
    }
}

void cap_run_for(CapRun *run, double seconds)
{
    for (double end = run->now + seconds; run->now < end - STEP / 2;)
        cap_run_step(run);
}
