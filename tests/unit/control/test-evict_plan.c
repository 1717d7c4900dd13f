/* SPDX-License-Identifier: MIT */
#include "control/evict_plan.h"

#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"
#include "util/units.h"

#define IDLE 120

static void verdicts(void **state)
{
    static const struct {
        EvictFacts facts;
        EvictVerdict expected;
    } cases[] = {
        { { .resident = 4096, .idle_usec = IDLE }, EVICT_NOW },
        { { .resident = 1, .idle_usec = IDLE + 1 }, EVICT_NOW },
        { { .resident = 4096, .idle_usec = IDLE - 1 }, EVICT_NOT_IDLE },
        { { .resident = 4096 }, EVICT_NOT_IDLE },
        { { .resident = 0, .idle_usec = IDLE }, EVICT_NOT_RESIDENT },
        { { .resident = 4096, .in_use = true, .idle_usec = IDLE }, EVICT_IN_USE },
        { { .resident = 4096, .pinned = true, .idle_usec = IDLE }, EVICT_PINNED },
        /* The strongest reason is the one that is told. */
        { { .resident = 4096, .pinned = true, .in_use = true }, EVICT_PINNED },
        { { .resident = 0, .pinned = true }, EVICT_PINNED },
        { { .resident = 0, .in_use = true }, EVICT_IN_USE },
        { { .resident = 4096, .in_use = true }, EVICT_IN_USE },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (evict_judge(&cases[i].facts, IDLE) != cases[i].expected)
            fail_msg("case %zu: %d", i, (int)evict_judge(&cases[i].facts, IDLE));
}

static void idle_at_once(void **state)
{
    EvictFacts facts = { .resident = 4096 };

    assert_int_equal(evict_judge(&facts, 0), EVICT_NOW);
    facts.in_use = true;
    assert_int_equal(evict_judge(&facts, 0), EVICT_IN_USE);
}

#define PAGE 4096

static void expect_bounded(uint64_t size, EvictBounds bounds, uint64_t begin, uint64_t end)
{
    EvictPart part = evict_part(size, &bounds, PAGE);

    assert_int_equal(part.begin, begin);
    assert_int_equal(part.end, end);
}

static void expect_part(uint64_t size, uint64_t first, uint64_t last, uint64_t begin, uint64_t end)
{
    expect_bounded(size, (EvictBounds){ 0, UINT64_MAX, first, last }, begin, end);
}

static void parts_are_whole_pages_without_a_byte_that_stays(void **state)
{
    expect_part(5, 0, 0, 0, 5);
    expect_part(0, 0, 0, 0, 0);
    expect_part(10 * PAGE + 5, 0, 0, 0, 10 * PAGE + 5);
    expect_part(10 * PAGE + 5, 1, 0, PAGE, 10 * PAGE + 5);
    expect_part(10 * PAGE + 5, PAGE, 0, PAGE, 10 * PAGE + 5);
    expect_part(10 * PAGE + 5, 0, 1, 0, 10 * PAGE);
    expect_part(10 * PAGE + 5, 0, 6, 0, 9 * PAGE);
    expect_part(10 * PAGE, 0, PAGE, 0, 9 * PAGE);
    expect_part(10 * PAGE, 2 * PAGE, 3 * PAGE, 2 * PAGE, 7 * PAGE);

    /* Nothing is left to go. */
    expect_part(10 * PAGE, 10 * PAGE, 0, 0, 0);
    expect_part(10 * PAGE, UINT64_MAX, 0, 0, 0);
    expect_part(10 * PAGE, 0, UINT64_MAX, 0, 0);
    expect_part(10 * PAGE, 6 * PAGE, 5 * PAGE, 0, 0);
    expect_part(10 * PAGE + 5, 10 * PAGE + 1, 0, 0, 0);
}

static void expect_range(uint64_t size, uint64_t from, uint64_t to, uint64_t begin, uint64_t end)
{
    expect_bounded(size, (EvictBounds){ .begin = from, .end = to }, begin, end);
}

static void a_range_is_never_exceeded(void **state)
{
    expect_range(10 * PAGE, 0, 4 * PAGE, 0, 4 * PAGE);
    expect_range(10 * PAGE, 2 * PAGE, 4 * PAGE, 2 * PAGE, 4 * PAGE);
    expect_range(10 * PAGE, 2 * PAGE - 1, 4 * PAGE + 1, 2 * PAGE, 4 * PAGE);
    expect_range(10 * PAGE, 2 * PAGE + 1, 5 * PAGE - 1, 3 * PAGE, 4 * PAGE);
    expect_range(10 * PAGE + 5, 2 * PAGE, UINT64_MAX, 2 * PAGE, 10 * PAGE + 5);

    /* The last page of the file is a whole one, but not where a byte of it is beyond. */
    expect_range(10 * PAGE + 5, 0, 10 * PAGE + 5, 0, 10 * PAGE + 5);
    expect_range(10 * PAGE + 5, 0, 20 * PAGE, 0, 10 * PAGE + 5);
    expect_range(10 * PAGE + 5, 0, 10 * PAGE + 4, 0, 10 * PAGE);

    expect_range(10 * PAGE, 10 * PAGE, UINT64_MAX, 0, 0);
    expect_range(10 * PAGE, 0, 0, 0, 0);
    expect_range(10 * PAGE, UINT64_MAX - 1, UINT64_MAX, 0, 0);
    expect_range(10 * PAGE, 1, 2 * PAGE - 1, 0, 0);
    expect_range(0, 0, 4 * PAGE, 0, 0);
}

static void what_is_kept_of_a_range_is_of_the_whole_file(void **state)
{
    expect_bounded(10 * PAGE, (EvictBounds){ PAGE, 8 * PAGE, .first = 3 * PAGE }, 3 * PAGE,
                   8 * PAGE);
    expect_bounded(10 * PAGE, (EvictBounds){ 4 * PAGE, 8 * PAGE, .first = 3 * PAGE }, 4 * PAGE,
                   8 * PAGE);
    expect_bounded(10 * PAGE, (EvictBounds){ 4 * PAGE, UINT64_MAX, .last = 3 * PAGE }, 4 * PAGE,
                   7 * PAGE);
    expect_bounded(10 * PAGE, (EvictBounds){ 0, 8 * PAGE, .last = PAGE }, 0, 8 * PAGE);
    expect_bounded(10 * PAGE, (EvictBounds){ 0, 8 * PAGE, .last = 3 * PAGE }, 0, 7 * PAGE);
    expect_bounded(10 * PAGE + 5, (EvictBounds){ 0, 20 * PAGE, .last = 1 }, 0, 10 * PAGE);
    expect_bounded(10 * PAGE, (EvictBounds){ 0, 2 * PAGE, .first = 2 * PAGE }, 0, 0);
    expect_bounded(10 * PAGE, (EvictBounds){ 8 * PAGE, UINT64_MAX, .last = 3 * PAGE }, 0, 0);
}

/* Climbs a ladder on which each rung leaves what @left has for it, and returns the rungs tried. */
static const char *climb(const EvictAllowed *allowed, const EvictLeft *left, size_t n)
{
    static char text[200];
    unsigned tried[_EVICT_RUNG_MAX] = { 0 };
    EvictRung rung;
    size_t i = 0;

    text[0] = '\0';
    while ((rung = evict_next_rung(tried, &left[i < n ? i : n - 1], allowed)) != EVICT_NO_RUNG) {
        strcat(strcat(text, evict_rung_to_string(rung)), " ");
        tried[rung]++;
        assert_true(++i < 10);
    }
    return text;
}

/* The pieces follow one another from the beginning of the part to its end; how many. */
static unsigned pieces_of(uint64_t begin, uint64_t end)
{
    const EvictPart part = { begin, end };
    unsigned n = 0;

    for (uint64_t at = begin, next; at < end; at = next, n++) {
        next = evict_piece_end(part, at);
        assert_true(next > at && next <= end);
        assert_true(next == end || next % (2 * MIB) == 0);
        assert_true(at == begin || next == end || next - at >= 32 * MIB);
        assert_true(n < 64);
    }
    return n;
}

static void a_part_is_shared_in_pieces(void **state)
{
    assert_int_equal(pieces_of(0, 5), 1);
    assert_int_equal(pieces_of(0, 32 * MIB), 1);
    assert_int_equal(pieces_of(0, 32 * MIB + 5), 2);
    assert_int_equal(pieces_of(0, 4 * GIB), 32);
    assert_int_equal(pieces_of(PAGE, 128 * MIB + PAGE), 5);
    assert_int_equal(pieces_of(31 * MIB, 65 * MIB), 3);
    assert_in_range(pieces_of(3 * PAGE, 5 * GIB + 7), 32, 64);
    assert_in_range(pieces_of(PAGE, INT64_MAX), 32, 64);
}

static void rungs(void **state)
{
    static const EvictAllowed nothing = { 0 }, write_back = { .write_back = true },
                              page_out = { .page_out = true }, reclaim_alone = { .reclaim = true },
                              everything = { true, true, true };
    static const EvictLeft none[] = { { .has_dirty = true } };
    static const EvictLeft clean[] = { { 8, 0, true } };
    static const EvictLeft dirty[] = { { 8, 8, true } };
    static const EvictLeft both[] = { { 8, 4, true } };
    static const EvictLeft goes[] = { { 8, 0, true }, { 0, 0, true } };
    static const EvictLeft written[] = { { 8, 8, true }, { 0, 0, true } };
    static const EvictLeft unknown[] = { { 8, 0, false } };
    /* Mapped and dirty: written, taken out, which finds more that was written to, written again. */
    static const EvictLeft again[] = {
        { 8, 8, true },
        { 8, 0, true },
        { 8, 8, true },
        { 0, 0, true },
    };

    assert_string_equal(climb(&everything, none, 1), "");
    assert_string_equal(climb(&everything, goes, 2), "advise ");
    assert_string_equal(climb(&nothing, clean, 1), "advise ");
    assert_string_equal(climb(&nothing, dirty, 1), "advise ");
    assert_string_equal(climb(&write_back, clean, 1), "advise ");
    assert_string_equal(climb(&write_back, dirty, 1), "write-back ");
    assert_string_equal(climb(&write_back, both, 1), "write-back ");
    assert_string_equal(climb(&write_back, written, 2), "write-back ");
    assert_string_equal(climb(&page_out, clean, 1), "advise page-out ");
    assert_string_equal(climb(&page_out, dirty, 1), "advise ");
    assert_string_equal(climb(&page_out, both, 1), "advise page-out ");
    assert_string_equal(climb(&reclaim_alone, clean, 1), "advise ");
    assert_string_equal(climb(&everything, clean, 1), "advise page-out reclaim ");
    assert_string_equal(climb(&everything, both, 1), "write-back page-out write-back reclaim ");
    assert_string_equal(climb(&everything, again, 4), "write-back page-out write-back ");
    assert_string_equal(climb(&nothing, unknown, 1), "advise ");
    assert_string_equal(climb(&everything, unknown, 1), "write-back page-out write-back reclaim ");
}

#define SEC UINT64_C(1000000)

static void the_coldest_are_enough(void **state)
{
    static const struct {
        uint64_t enough, cutoff;
    } cases[] = {
        { 1, 16384 }, { 100, 16384 }, { 101, 64 }, { 110, 64 },
        { 111, 6 },   { 130, 6 },     { 131, 0 },  { 10000, 0 },
    };
    EvictAges ages = { 0 };

    evict_ages_add(&ages, 5 * 60 * 60 * SEC, 100);
    evict_ages_add(&ages, 90 * SEC, 10);
    evict_ages_add(&ages, 6 * SEC, 15);
    evict_ages_add(&ages, 7 * SEC, 5);
    evict_ages_add(&ages, SEC / 2, 1);
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(evict_ages_cutoff(&ages, cases[i].enough), cases[i].cutoff * SEC);
    assert_true(evict_ages_cutoff(&ages, 0) > 1000000 * SEC);
    evict_ages_add(&ages, UINT64_MAX, UINT64_MAX);
    assert_true(evict_ages_cutoff(&ages, UINT64_MAX) > 1000000 * SEC);
}

static void the_coldest_of_all_rules(void **state)
{
    EvictAges one = { 0 }, other = { 0 }, sum = { 0 };

    assert_int_equal(evict_ages_sum(&sum, &one), 0);
    evict_ages_add(&one, 6 * SEC, 10);
    evict_ages_add(&one, 90 * SEC, 20);
    evict_ages_add(&other, 7 * SEC, 30);
    evict_ages_add(&other, 5 * 60 * 60 * SEC, 40);
    assert_int_equal(evict_ages_sum(&sum, &one), 30);
    assert_int_equal(evict_ages_sum(&sum, &other), 70);
    assert_int_equal(evict_ages_cutoff(&sum, 40), 16384 * SEC);
    assert_int_equal(evict_ages_cutoff(&sum, 41), 64 * SEC);
    assert_int_equal(evict_ages_cutoff(&sum, 61), 6 * SEC);
    assert_int_equal(evict_ages_cutoff(&sum, 101), 0);
}

static void what_could_go(void **state)
{
    static const EvictAllowed nothing = { .page_out = true }, write_back = { .write_back = true };

    assert_int_equal(evict_could_go(&(EvictLeft){ 8, 0, true }, &nothing), 8);
    assert_int_equal(evict_could_go(&(EvictLeft){ 8, 3, true }, &nothing), 5);
    assert_int_equal(evict_could_go(&(EvictLeft){ 8, 8, true }, &nothing), 0);
    assert_int_equal(evict_could_go(&(EvictLeft){ 8, 9, true }, &nothing), 0); /* two questions */
    assert_int_equal(evict_could_go(&(EvictLeft){ 8, 3, true }, &write_back), 8);
    assert_int_equal(evict_could_go(&(EvictLeft){ 8, 3, false }, &nothing), 8);
}

static void looks_come_sooner_and_later(void **state)
{
    EvictLook look = { .every_usec = 30 * SEC, .much = 100 };

    /* Nothing to do: rarer, up to a bound. */
    static const uint64_t rarer[] = { 60, 120, 120 };
    for (size_t i = 0; i < ELEMENTS(rarer); i++) {
        look.interval_usec = evict_interval(&look);
        assert_int_equal(look.interval_usec, rarer[i] * SEC);
    }
    /* Something waits, or a little was freed: as the policy has it. */
    look.waiting = true;
    assert_int_equal(evict_interval(&look), 30 * SEC);
    look.waiting = false;
    look.freed = 99;
    assert_int_equal(evict_interval(&look), 30 * SEC);
    /* Much: at once from however late, and no sooner than the bound. */
    look.freed = 100;
    look.interval_usec = evict_interval(&look);
    assert_int_equal(look.interval_usec, 15 * SEC);
    assert_int_equal(evict_interval(&look), 15 * SEC);
    look.freed = 0;
    assert_int_equal(evict_interval(&look), 60 * SEC);
}

/* However much there is to look at, of one core it takes no more than its share. */
/* Whatever rules want, together they get no more than there is, and all of it if they want more. */
static void looks_share_the_processor(void **state)
{
    static const uint64_t wants[][4] = {
        { 0, 0, 0, 0 },
        { 5000, 5000, 5000, 5000 },
        { 1000000, 0, 0, 0 },
        { 1000000, 1000000, 500000, 30000 },
        { 100, 200, 1000000, 9000 },
        { 19999, 3, 0, 0 },
        { 1, 1, 1, UINT64_MAX },
    };
    static const uint64_t levels[] = { 20000, 20000, 20000, 5000, 10700, 19997, 19997 };

    for (size_t i = 0; i < ELEMENTS(wants); i++) {
        uint64_t level = evict_fair_ppm(wants[i], 4), taken = 0, wanted = 0;
        assert_int_equal(level, levels[i]);
        for (size_t k = 0; k < 4; k++) {
            taken += min_u64(wants[i][k], level);
            wanted = add_u64(wanted, wants[i][k]);
        }
        assert_int_equal(taken, min_u64(wanted, EVICT_CPU_PPM));
    }
    assert_int_equal(evict_fair_ppm(NULL, 0), EVICT_CPU_PPM);
    /* More rules than millionths: each gets one. */
    static uint64_t many[30000];
    for (size_t i = 0; i < ELEMENTS(many); i++)
        many[i] = 1000;
    assert_int_equal(evict_fair_ppm(many, ELEMENTS(many)), 1);
}

static void a_long_look_makes_the_next_one_rare(void **state)
{
    assert_int_equal(evict_rest(11 * SEC, EVICT_CPU_PPM), 550 * SEC);
    assert_int_equal(evict_rest(11 * SEC, EVICT_CPU_PPM / 2), 1100 * SEC);
    assert_int_equal(evict_rest(0, EVICT_CPU_PPM), 0);
    assert_true(evict_rest(UINT64_MAX, 0) == UINT64_MAX);
    assert_int_equal(evict_cpu_ppm(3 * SEC, 30 * SEC), 100000);
    assert_int_equal(evict_cpu_ppm(0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(idle_at_once),
        cmocka_unit_test(parts_are_whole_pages_without_a_byte_that_stays),
        cmocka_unit_test(a_range_is_never_exceeded),
        cmocka_unit_test(what_is_kept_of_a_range_is_of_the_whole_file),
        cmocka_unit_test(a_part_is_shared_in_pieces),
        cmocka_unit_test(rungs),
        cmocka_unit_test(the_coldest_are_enough),
        cmocka_unit_test(the_coldest_of_all_rules),
        cmocka_unit_test(what_could_go),
        cmocka_unit_test(looks_come_sooner_and_later),
        cmocka_unit_test(looks_share_the_processor),
        cmocka_unit_test(a_long_look_makes_the_next_one_rare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
