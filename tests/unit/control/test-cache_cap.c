/* SPDX-License-Identifier: MIT */
#include "control/cache_cap.h"

#include "unit/test.h"
#include "util/cleanup.h"
#include "util/units.h"

#define AT0  (1000 * USEC_PER_SEC)
#define PAGE UINT64_C(4096)
#define CAP  (100 * MIB)

/* One look at a unit under a cap of 100 MiB: milliseconds since AT0; MiB; what grew since AT0: MiB
 * taken and come back, milliseconds stalled. */
typedef struct Look {
    uint64_t at_ms;
    uint64_t cache;
    uint64_t taken, back;
    uint64_t memory_ms, io_ms;
    CapReason reason;
    uint64_t reclaim, cold; /* MiB */
    uint64_t dirty;         /* MiB of the cache, half of it on its way to the disk */
} Look;

static Sample sample_of(const Look *look)
{
    return (Sample){
        .at_usec = AT0 + look->at_ms * USEC_PER_MSEC,
        .page = PAGE,
        .inactive_file = look->cache / 2 * MIB,
        .active_file = (look->cache - look->cache / 2) * MIB,
        .file_dirty = look->dirty * MIB / 2,
        .file_writeback = look->dirty * MIB / 2,
        /* Of no concern here: */
        .file = 5 * GIB,
        .shmem = GIB,
        .anon = 3 * GIB,
        .unevictable = 2 * GIB,
        .pgsteal = look->taken * MIB / PAGE,
        .refault_file = look->back * MIB / PAGE,
        .memory_psi = { .valid = true, .some_usec = look->memory_ms * USEC_PER_MSEC },
        .io_psi = { .valid = true, .some_usec = look->io_ms * USEC_PER_MSEC },
    };
}

static void run_looks(const char *file, int line, CapState *state, bool has_rules,
                      const Look *looks, size_t n)
{
    const CapContext context = { .max = CAP, .has_rules = has_rules };

    for (size_t i = 0; i < n; i++) {
        const Look *look = &looks[i];
        Sample sample = sample_of(look);
        CapDecision d = cap_decide(state, &context, &sample);
        if (d.reason != look->reason || d.reclaim != look->reclaim * MIB ||
            d.cold != look->cold * MIB)
            fail_msg("%s:%d: look %zu: %s, reclaim %.2f, cold %.2f, not %s, %.2f, %.2f", file, line,
                     i, cap_reason_to_string(d.reason), (double)d.reclaim / (double)MIB,
                     (double)d.cold / (double)MIB, cap_reason_to_string(look->reason),
                     (double)look->reclaim, (double)look->cold);
    }
}

#define LOOKS(state, has_rules, ...)                                               \
    do {                                                                           \
        const Look looks_[] = { __VA_ARGS__ };                                     \
        run_looks(__FILE__, __LINE__, state, has_rules, looks_, ELEMENTS(looks_)); \
    } while (0)

static void between_two_marks(void **state)
{
    CapState s = { 0 };

    LOOKS(&s, false,
          /* at, cache, taken, back, memory, io */
          { 0, 90, 0, 0, 0, 0, CAP_UNDER, 0, 0 }, { 1000, 100, 0, 0, 0, 0, CAP_UNDER, 0, 0 },
          { 2000, 101, 0, 0, 0, 0, CAP_OVER, 11, 0 },
          /* what comes in meanwhile may stay, up to the cap */
          { 2100, 95, 11, 0, 0, 0, CAP_UNDER, 0, 0 }, { 2200, 104, 11, 0, 0, 0, CAP_OVER, 14, 0 },
          { 3000, 96, 25, 0, 0, 0, CAP_UNDER, 0, 0 }, { 4000, 120, 25, 0, 0, 0, CAP_OVER, 30, 0 });
}

static void only_what_is_its_own_cache(void **state)
{
    Sample sample = {
        .file = 10 * GIB,
        .shmem = 4 * GIB,
        .unevictable = 3 * GIB,
        .active_file = GIB,
        .inactive_file = 2 * GIB,
        .anon = 7 * GIB,
    };

    assert_true(cap_cache(&sample) == 3 * GIB);
}

static void idle_files_go_first(void **state)
{
    CapState s = { 0 };

    LOOKS(&s, true, { 0, 95, 0, 0, 0, 0, CAP_UNDER, 0, 0 },
          { 1000, 98, 0, 0, 0, 0, CAP_COLD, 0, 8 },
          /* above the cap they have five seconds, */
          { 2000, 105, 0, 0, 0, 0, CAP_COLD, 0, 15 }, { 6900, 104, 0, 0, 0, 0, CAP_COLD, 0, 14 },
          { 7000, 104, 0, 0, 0, 0, CAP_OVER, 14, 14 }, { 7100, 90, 14, 0, 0, 0, CAP_UNDER, 0, 0 },
          /* but not again right away, */
          { 9000, 105, 14, 0, 0, 0, CAP_OVER, 15, 15 }, { 9100, 90, 29, 0, 0, 0, CAP_UNDER, 0, 0 },
          /* and not where something else comes in */
          { 13200, 90, 29, 0, 0, 0, CAP_UNDER, 0, 0 }, { 60000, 105, 29, 0, 0, 0, CAP_COLD, 0, 15 },
          { 60200, 117, 29, 0, 0, 0, CAP_COLD, 0, 27 },
          { 60400, 118, 29, 0, 0, 0, CAP_OVER, 28, 28 });
}

/* Too little, again and again: rarer. */
static void nothing_to_take(void **state)
{
    CapState s = { 0 };

    LOOKS(&s, false, { 0, 150, 0, 0, 0, 0, CAP_OVER, 60, 0 },
          { 100, 130, 20, 0, 0, 0, CAP_STUCK, 0, 0 }, { 1000, 130, 20, 0, 0, 0, CAP_STUCK, 0, 0 },
          { 1100, 130, 20, 0, 0, 0, CAP_OVER, 40, 0 }, { 1200, 130, 20, 0, 0, 0, CAP_STUCK, 0, 0 },
          { 3100, 130, 20, 0, 0, 0, CAP_STUCK, 0, 0 }, { 3200, 130, 20, 0, 0, 0, CAP_OVER, 40, 0 },
          { 3300, 110, 40, 0, 0, 0, CAP_OVER, 20, 0 }, { 3400, 90, 60, 0, 0, 0, CAP_UNDER, 0, 0 },
          /* and then from the beginning */
          { 3500, 150, 60, 0, 0, 0, CAP_OVER, 60, 0 }, { 3600, 150, 60, 0, 0, 0, CAP_STUCK, 0, 0 },
          { 4600, 150, 60, 0, 0, 0, CAP_OVER, 60, 0 });
}

/* What is not written yet cannot go, and does not hide what can. */
static void beside_a_writer(void **state)
{
    CapState s = { 0 };

    LOOKS(&s, false, { 0, 150, 0, 0, 0, 0, CAP_OVER, 30, 0, .dirty = 120 },
          { 100, 120, 30, 0, 0, 0, CAP_STUCK, 0, 0, .dirty = 120 },
          { 200, 129, 30, 0, 0, 0, CAP_STUCK, 0, 0, .dirty = 120 },
          { 300, 130, 30, 0, 0, 0, CAP_OVER, 10, 0, .dirty = 120 },
          { 400, 220, 40, 0, 0, 0, CAP_OVER, 100, 0, .dirty = 120 },
          { 500, 120, 140, 0, 0, 0, CAP_OVER, 30, 0, .dirty = 20 },
          { 600, 90, 170, 0, 0, 0, CAP_UNDER, 0, 0, .dirty = 20 });
    assert_int_equal(s.stuck.length_usec, 0);
}

/* What a window of four seconds may look like, with 40 MiB taken in it. */
static CapReason after(uint64_t back, uint64_t memory_ms, uint64_t io_ms, CapState *ret)
{
    CapState s = { 0 };
    const CapContext context = { .max = CAP };
    const Look looks[] = {
        { 0, 130, 0, 0, 0, 0, CAP_OVER, 40, 0 },
        { 100, 90, 40, 0, 0, 0, CAP_UNDER, 0, 0 },
        { 4000, 90, 40, back, memory_ms, io_ms, CAP_UNDER, 0, 0 },
    };
    CapReason reason = CAP_OFF;

    for (size_t i = 0; i < ELEMENTS(looks); i++) {
        Sample sample = sample_of(&looks[i]);
        reason = cap_decide(&s, &context, &sample).reason;
    }
    *ret = s;
    return reason;
}

static void what_it_costs(void **state)
{
    CapState s;

    assert_int_equal(after(0, 0, 0, &s), CAP_UNDER);
    /* 1792 pages of 100 µs are 4.5 % of 4 s; 2048 are 5.1 %. */
    assert_int_equal(after(7, 0, 0, &s), CAP_UNDER);
    assert_int_equal(s.price_ppm, 44800);
    assert_int_equal(after(8, 0, 0, &s), CAP_COSTS);
    assert_int_equal(s.price_ppm, 51200);
    assert_int_equal(s.returned_ppm, 200000);
    /* It stalls all the time, which is not for pages that came back, */
    assert_int_equal(after(0, 4000, 4000, &s), CAP_UNDER);
    assert_int_equal(s.price_ppm, 0);
    /* or to a tenth is, on a disk that is slower: */
    assert_int_equal(after(4, 0, 1900, &s), CAP_UNDER);
    assert_int_equal(after(4, 0, 2100, &s), CAP_COSTS);
    assert_int_equal(s.returned_ppm, 100000);
    /* What it waited for memory is for those. */
    assert_int_equal(after(4, 190, 0, &s), CAP_UNDER);
    assert_int_equal(after(4, 210, 0, &s), CAP_COSTS);
    assert_int_equal(s.price_ppm, 52500);
    /* Never more than all of it. */
    assert_int_equal(after(4000, 4000, 4000, &s), CAP_COSTS);
    assert_int_equal(s.price_ppm, 1000000);
    assert_int_equal(s.returned_ppm, 1000000);
}

/* What comes back without anything having been taken is no cost of ours. */
static void what_others_take(void **state)
{
    CapState s = { 0 };

    LOOKS(&s, false, { 0, 90, 0, 0, 0, 0, CAP_UNDER, 0, 0 },
          { 4000, 90, 900, 900, 4000, 0, CAP_UNDER, 0, 0 },
          { 8000, 90, 1800, 1800, 8000, 0, CAP_UNDER, 0, 0 });
    assert_int_equal(s.price_ppm, 0);
}

/* The cap took a tenth of what went: so much of what comes back is its fault. */
static void what_others_take_as_well(void **state)
{
    CapState s = { 0 };

    LOOKS(&s, false, { 0, 110, 0, 0, 0, 0, CAP_OVER, 20, 0 },
          { 100, 90, 20, 0, 0, 0, CAP_UNDER, 0, 0 },
          { 4000, 90, 200, 20, 1000, 0, CAP_UNDER, 0, 0 });
    assert_int_equal(s.price_ppm, 25000);
    /* Also of what it took in the window before. */
    LOOKS(&s, false, { 8000, 90, 200, 100, 1000, 0, CAP_COSTS, 0, 0 });
    assert_int_equal(s.price_ppm, 51200);
}

/* 60 MiB went at the brake, which nobody had asked for; 500 ms of four seconds stalled. */
static CapReason after_the_brake(bool braked, uint64_t met, uint64_t back, uint64_t *ret_price)
{
    const CapContext context = { .max = CAP, .braked = braked };
    const Look looks[] = {
        { .cache = 80 }, { .at_ms = 4000, .cache = 90, .taken = 60, .back = back, .memory_ms = 500 }
    };
    CapState s = { 0 };
    CapReason reason = CAP_OFF;

    for (size_t i = 0; i < ELEMENTS(looks); i++) {
        Sample sample = sample_of(&looks[i]);
        sample.events_high = i * met;
        reason = cap_decide(&s, &context, &sample).reason;
    }
    *ret_price = s.price_ppm;
    return reason;
}

/* What is reclaimed there is the cap's fault; that it takes time is what the brake is for. */
static void what_the_brake_costs(void **state)
{
    uint64_t price;

    assert_int_equal(after_the_brake(false, 1, 14, &price), CAP_UNDER);
    assert_int_equal(price, 0);
    assert_int_equal(after_the_brake(true, 0, 14, &price), CAP_UNDER);
    assert_int_equal(price, 0);
    assert_int_equal(after_the_brake(true, 1, 0, &price), CAP_UNDER);
    assert_int_equal(price, 0);
    assert_int_equal(after_the_brake(true, 1, 7, &price), CAP_UNDER);
    assert_int_equal(price, 44800);
    assert_int_equal(after_the_brake(true, 1, 8, &price), CAP_COSTS);
    assert_int_equal(price, 51200);
}

static void given_up_for_longer_each_time(void **state)
{
    static const uint64_t seconds[] = { 30, 60, 120, 240, 480, 600, 600 };
    const CapContext context = { .max = CAP };
    CapState s = { 0 };
    Look look = { .cache = 150 };
    uint64_t began = 0;

    for (size_t i = 0; i < ELEMENTS(seconds); look.at_ms += 100) {
        bool costs = s.costs.until_usec > AT0 + look.at_ms * USEC_PER_MSEC;
        Sample sample = sample_of(&look);
        CapDecision d = cap_decide(&s, &context, &sample);
        bool now = d.reason == CAP_COSTS;
        if (now) {
            assert_int_equal(d.reclaim, 0);
            began = costs ? began : look.at_ms;
        } else if (began > 0) {
            assert_in_range(look.at_ms - began, seconds[i] * 1000, seconds[i] * 1000 + 100);
            began = 0;
            i++;
        }
        /* All that is taken is read again at once. */
        look.taken += d.reclaim / MIB;
        look.back += d.reclaim / MIB;
    }
}

static void what_cannot_be_done(void **state)
{
    const Look look = { .cache = 150 };
    Sample sample = sample_of(&look), blind = sample;
    CapState s = { 0 };

    blind.memory_psi.valid = false;
    const struct {
        CapContext context;
        const Sample *sample;
        CapReason reason;
    } cases[] = {
        { { .max = LIMIT_NONE }, &sample, CAP_OFF },
        { { .max = CAP, .no_reclaim = true }, &sample, CAP_NO_RECLAIM },
        { { .max = CAP, .spares_none = true }, &sample, CAP_SWAP },
        { { .max = CAP }, &blind, CAP_NO_PSI },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CapDecision d = cap_decide(&s, &cases[i].context, cases[i].sample);
        assert_int_equal(d.reason, cases[i].reason);
        assert_int_equal(d.reclaim, 0);
        assert_int_equal(d.cold, 0);
        assert_int_equal(d.next_usec, 0);
    }
}

/* Counters begin anew: nothing of before counts, and nothing is asked of what was not taken. */
static void a_cgroup_made_anew(void **state)
{
    CapState s = { 0 };

    LOOKS(&s, false, { 0, 150, 500, 500, 0, 0, CAP_OVER, 60, 0 },
          { 1000, 120, 0, 0, 0, 0, CAP_OVER, 30, 0 }, { 1100, 90, 30, 0, 0, 0, CAP_UNDER, 0, 0 });
    assert_int_equal(s.stuck.length_usec, 0);
}

static uint64_t looks_again_in(uint64_t cache, uint64_t taken)
{
    const CapContext context = { .max = CAP };
    const Look before = { .at_ms = 0, .cache = 80 },
               now = { .at_ms = 1000, .cache = cache, .taken = taken };
    Sample first = sample_of(&before), second = sample_of(&now);
    CapState s = { 0 };

    (void)cap_decide(&s, &context, &first);
    CapDecision d = cap_decide(&s, &context, &second);
    return d.next_usec == 0 ? 0 : (d.next_usec - second.at_usec) / USEC_PER_MSEC;
}

static void looks_come_as_fast_as_it_grows(void **state)
{
    assert_int_equal(looks_again_in(80, 0), 0);
    assert_int_equal(looks_again_in(70, 0), 0);
    assert_int_equal(looks_again_in(81, 0), 250);
    assert_int_equal(looks_again_in(98, 0), 111);
    assert_int_equal(looks_again_in(99, 0), 52);
    assert_int_equal(looks_again_in(150, 0), 50);
    /* What was taken meanwhile came in, too. */
    assert_int_equal(looks_again_in(80, 100), 200);
}

static void reasons_have_names(void **state)
{
    for (CapReason reason = CAP_OFF; reason <= CAP_SWAP; reason++)
        assert_int_equal(cap_is_kept(reason),
                         reason == CAP_UNDER || reason == CAP_COLD || reason == CAP_OVER);
    for (CapReason reason = CAP_OFF; reason <= CAP_SWAP; reason++)
        assert_non_null(cap_reason_to_string(reason));
    assert_null(cap_reason_to_string(CAP_SWAP + 1));
}

/* A round of the evictor takes two looks of each rule, the second a tick after the first. */
static void what_is_on_its_way_is_waited_for(void **state)
{
    static const struct {
        bool goes;
        uint64_t at_ms;
        bool waits;
    } cases[] = {
        { false, 4999, true }, { false, 5000, false }, { true, 5000, true },
        { true, 9999, true },  { true, 10000, false },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CapContext context = { .max = CAP, .has_rules = true };
        CapState cap = { 0 };
        uint64_t over = CAP / MIB + 1;
        Sample sample;

        for (uint64_t ms = 0; ms < cases[i].at_ms; ms += 500) {
            sample = sample_of(&(Look){ .at_ms = ms, .cache = over });
            context.cold_goes = cases[i].goes;
            assert_int_equal(cap_decide(&cap, &context, &sample).reclaim, 0);
        }
        sample = sample_of(&(Look){ .at_ms = cases[i].at_ms, .cache = over });
        assert_int_equal(cap_decide(&cap, &context, &sample).reclaim == 0, cases[i].waits);
        if (!cases[i].waits)
            continue;
        /* Not where it grows fast. */
        sample = sample_of(&(Look){ .at_ms = cases[i].at_ms, .cache = over * 5 / 4 });
        assert_true(cap_decide(&cap, &context, &sample).reclaim > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_on_its_way_is_waited_for),
        cmocka_unit_test(between_two_marks),
        cmocka_unit_test(only_what_is_its_own_cache),
        cmocka_unit_test(idle_files_go_first),
        cmocka_unit_test(nothing_to_take),
        cmocka_unit_test(beside_a_writer),
        cmocka_unit_test(what_it_costs),
        cmocka_unit_test(what_others_take),
        cmocka_unit_test(what_others_take_as_well),
        cmocka_unit_test(what_the_brake_costs),
        cmocka_unit_test(given_up_for_longer_each_time),
        cmocka_unit_test(what_cannot_be_done),
        cmocka_unit_test(a_cgroup_made_anew),
        cmocka_unit_test(looks_come_as_fast_as_it_grows),
        cmocka_unit_test(reasons_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
