/* SPDX-License-Identifier: MIT */
#include "control/stream.h"

#include <stdio.h>
#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"
#include "util/units.h"

#define PAGE 4096
#define END  UINT64_MAX

/* What is found and then seen of a file, in MiB; and what is to be dropped after the last look. */
typedef struct Sight {
    uint64_t position, size;
    uint64_t hands;
    StreamStep step;
} Sight;

typedef struct Course {
    const char *name;
    Sight sights[8];
    size_t n;
    StreamSpan dropped; /* MiB; empty: nothing */
} Course;

static StreamSeen seen_of(const Sight *sight, bool writes)
{
    return (StreamSeen){ sight->hands, sight->position * MIB, sight->size * MIB, writes };
}

static StreamFile run(const Course *course, bool writes)
{
    StreamSeen seen = seen_of(&course->sights[0], writes);
    StreamFile file = stream_found(&seen);

    for (size_t i = 1; i < course->n; i++) {
        seen = seen_of(&course->sights[i], writes);
        StreamStep step = stream_see(&file, &seen);
        if (step != course->sights[i].step)
            fail_msg("%s: look %zu: %d", course->name, i, (int)step);
        if (step == STREAM_AGAIN)
            file = stream_found(&seen);
    }
    return file;
}

static void expect_dropped(const Course *course)
{
    StreamFile file = run(course, false);
    StreamSpan span = { 0 };

    bool some = stream_to_drop(&file, PAGE, &span);
    if (some != (course->dropped.end > 0) || span.begin != course->dropped.begin * MIB ||
        span.end != course->dropped.end * MIB)
        fail_msg("%s: %d, %llu-%llu", course->name, some, (unsigned long long)span.begin,
                 (unsigned long long)span.end);
}

static void courses(void **state)
{
    static const Course table[] = {
        /* The tail behind the position stays, and so does what is in front of where it was found.
         */
        { "reads", { { 0, 900 }, { 10, 900 }, { 20, 900 }, { 30, 900 } }, 4, { 0, 28 } },
        { "found late", { { 50, 900 }, { 60, 900 }, { 70, 900 }, { 80, 900 } }, 4, { 50, 78 } },
        { "to the end", { { 0, 9 }, { 3, 9 }, { 6, 9 }, { 9, 9 }, { 9, 9 } }, 5, { 0, 7 } },
        { "too little", { { 0, 9 }, { 1, 9 }, { 3, 9 }, { 5, 9 } }, 4, { 0, 0 } },
        { "too soon", { { 0, 900 }, { 100, 900 }, { 200, 900 } }, 3, { 0, 0 } },
        { "never moves (pread)",
          { { 0, 9 }, { 0, 9 }, { 0, 9 }, { 0, 9 }, { 0, 9 } },
          5,
          { 0, 0 } },
        { "waits",
          { { 0, 90 }, { 9, 90 }, { 9, 90 }, { 18, 90 }, { 18, 90 }, { 27, 90 } },
          6,
          { 0, 25 } },
        /* Looks at its header again: within the tail that is nothing, else it may do so any time.
         */
        { "back a bit",
          { { 0, 90 }, { 10, 90 }, { 20, 90 }, { 19, 90 }, { 30, 90 } },
          5,
          { 0, 28 } },
        { "seeks back",
          { { 0, 90 }, { 10, 90 }, { 20, 90 }, { 0, 90 }, { 30, 90 }, { 40, 90 } },
          6,
          { 0, 0 } },
        { "random",
          { { 5, 90 }, { 70, 90 }, { 30, 90 }, { 55, 90 }, { 60, 90 }, { 90, 90 } },
          6,
          { 0, 0 } },
        /* Appends, and so is always at the end. */
        { "appends", { { 10, 10 }, { 20, 20 }, { 30, 30 }, { 40, 40 } }, 4, { 10, 38 } },
        { "truncated",
          { { 0, 50 },
            { 20, 50 },
            { 30, 50 },
            { 40, 50 },
            { 1, 1, 0, STREAM_AGAIN },
            { 9, 9 },
            { 18, 18 },
            { 27, 27 } },
          8,
          { 1, 25 } },
        /* Truncated by somebody else: the writer's position stays where it was. */
        { "behind the end",
          { { 40, 40 }, { 40, 1, 0, STREAM_AGAIN }, { 41, 41 }, { 50, 50 }, { 60, 60 } },
          5,
          { 1, 58 } },
        /* Another descriptor, of the same process or of another: whoever is the last counts. */
        { "a second reader",
          { { 0, 90, 1 },
            { 20, 90, 1 },
            { 40, 90, 1 },
            { 60, 90, 1 },
            { 0, 90, 2, STREAM_AGAIN },
            { 10, 90, 2 },
            { 20, 90, 2 } },
          7,
          { 0, 0 } },
        { "goes on alone",
          { { 10, 90, 2 },
            { 60, 90, 1, STREAM_AGAIN },
            { 70, 90, 1 },
            { 75, 90, 1 },
            { 80, 90, 1 } },
          5,
          { 60, 78 } },
    };

    for (size_t i = 0; i < ELEMENTS(table); i++)
        expect_dropped(&table[i]);
}

static const Course steady = {
    "steady", { { 10, 99 }, { 20, 99 }, { 30, 99 }, { 40, 99 } }, 4, { 0 }
};

static void what_is_written_goes_to_the_disk_from_the_beginning(void **state)
{
    StreamFile file = run(&steady, true);
    StreamSpan span;

    assert_true(stream_to_write(&file, PAGE, &span));
    assert_int_equal(span.begin, 0);
    assert_int_equal(span.end, 38 * MIB);
    assert_true(stream_to_drop(&file, PAGE, &span));
    assert_int_equal(span.begin, 10 * MIB);

    file.written = 36 * MIB; /* not enough for once more */
    assert_false(stream_to_write(&file, PAGE, &span));
    file.written = 30 * MIB;
    assert_true(stream_to_write(&file, PAGE, &span));
    assert_int_equal(span.begin, 30 * MIB);

    file = run(&steady, false);
    assert_false(stream_to_write(&file, PAGE, &span));
}

static void what_is_appended_goes_to_the_disk_at_once(void **state)
{
    StreamSeen seen = { .position = 6 * MIB + 1, .size = 6 * MIB + 1, .writes = true };
    StreamFile file = stream_found(&seen);
    StreamSpan span;

    assert_true(stream_to_write(&file, PAGE, &span));
    assert_int_equal(span.begin, 0);
    assert_int_equal(span.end, 6 * MIB);
    assert_false(stream_to_drop(&file, PAGE, &span));

    /* It went on while it was looked at. */
    seen.size += MIB;
    assert_int_equal(stream_see(&file, &seen), STREAM_ON);
    assert_true(stream_to_write(&file, PAGE, &span));

    /* Not so where it writes in the middle, and not any more when it went back. */
    seen.size = 90 * MIB;
    assert_int_equal(stream_see(&file, &seen), STREAM_ON);
    assert_false(stream_to_write(&file, PAGE, &span));
    seen.position = 0;
    assert_int_equal(stream_see(&file, &seen), STREAM_ON);
    seen.position = seen.size = 99 * MIB;
    assert_int_equal(stream_see(&file, &seen), STREAM_ON);
    assert_false(stream_to_write(&file, PAGE, &span));

    seen.writes = false;
    file = stream_found(&seen);
    assert_false(stream_to_write(&file, PAGE, &span));
}

static void moving(void **state)
{
    StreamSeen seen = { .size = 90 * MIB };
    StreamFile file = stream_found(&seen);

    assert_int_equal(stream_see(&file, &seen), STREAM_ON);
    assert_false(stream_moves(&file));
    seen.position = 9 * MIB;
    assert_int_equal(stream_see(&file, &seen), STREAM_ON);
    assert_true(stream_moves(&file));
    seen.position = 0;
    assert_int_equal(stream_see(&file, &seen), STREAM_ON);
    assert_false(stream_moves(&file));
}

static void spans_are_whole_pages(void **state)
{
    StreamSeen seen = { .position = 5, .size = 90 * MIB };
    StreamFile file = stream_found(&seen);
    StreamSpan span;

    for (int i = 0; i < 3; i++) {
        seen.position += 9 * MIB + 1;
        assert_int_equal(stream_see(&file, &seen), STREAM_ON);
    }
    assert_true(stream_to_drop(&file, PAGE, &span));
    assert_int_equal(span.begin, PAGE);
    assert_int_equal(span.end, 25 * MIB);
}

/* The parts of [@begin, @end) that are not spared, in MiB: "0-3 5-9 ". */
static const char *parts(const StreamFile *file, uint64_t begin, uint64_t end)
{
    static char text[400];
    StreamSpan rest = { begin * MIB, end * MIB }, part;
    size_t n = 0;

    text[0] = '\0';
    while (stream_unspared(file, rest, &part)) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%llu-%llu ",
                              (unsigned long long)part.begin / MIB,
                              (unsigned long long)part.end / MIB);
        rest.begin = part.end;
    }
    return text;
}

static bool spare(StreamFile *file, uint64_t begin, uint64_t end)
{
    return stream_spare(file, (StreamSpan){ begin * MIB, end == END ? END : end * MIB });
}

static void what_was_there_before_is_spared(void **state)
{
    StreamSeen seen = { .position = 4 * MIB, .size = 900 * MIB };
    StreamFile file = stream_found(&seen);

    assert_string_equal(parts(&file, 4, 90), "4-90 ");
    spare(&file, 2, 4); /* behind */
    assert_string_equal(parts(&file, 4, 90), "4-90 ");
    spare(&file, 4, 6);
    spare(&file, 10, 20);
    spare(&file, 20, 21);
    assert_int_equal(file.n_spared, 2);
    assert_string_equal(parts(&file, 4, 90), "6-10 21-90 ");
    assert_string_equal(parts(&file, 5, 15), "6-10 ");
    assert_string_equal(parts(&file, 12, 15), "");
    assert_string_equal(parts(&file, 12, 21), "");
    assert_string_equal(parts(&file, 7, 9), "7-9 ");
    assert_false(spare(&file, 80, END));
    assert_string_equal(parts(&file, 4, 90), "6-10 21-80 ");
}

static void with_too_many_spans_the_rest_is_spared(void **state)
{
    StreamSeen seen = { .size = 900 * MIB };
    StreamFile file = stream_found(&seen);

    for (uint64_t i = 0; i < STREAM_SPANS_MAX; i++)
        assert_true(spare(&file, 10 * i, 10 * i + 1));
    assert_string_equal(parts(&file, 149, 155), "149-150 151-155 ");
    assert_false(spare(&file, 400, 401));
    assert_int_equal(file.n_spared, STREAM_SPANS_MAX);
    assert_string_equal(parts(&file, 149, 900), "149-150 ");
}

static void sparse(void **state)
{
    StreamSpan span = { 10 * MIB, 20 * MIB };

    assert_true(stream_is_sparse(span, 0));
    assert_true(stream_is_sparse(span, 2 * MIB - 1));
    assert_false(stream_is_sparse(span, 2 * MIB));
    assert_false(stream_is_sparse(span, 10 * MIB));
}

static uint64_t excess(uint64_t file, uint64_t mapped, uint64_t dirty)
{
    StreamCache cache = { file * MIB, mapped * MIB, dirty * MIB };

    return stream_excess(&cache) / MIB;
}

static void what_is_reclaimed(void **state)
{
    assert_int_equal(excess(0, 0, 0), 0);
    assert_int_equal(excess(16, 0, 0), 0);
    assert_int_equal(excess(19, 0, 0), 0); /* not worth it yet */
    assert_int_equal(excess(20, 0, 0), 4);
    assert_int_equal(excess(500, 0, 0), 484);
    /* What is mapped is in use, what is dirty cannot go. */
    assert_int_equal(excess(500, 100, 0), 384);
    assert_int_equal(excess(500, 0, 490), 0);
    assert_int_equal(excess(500, 600, 0), 0);
    assert_int_equal(excess(10, 0, 20), 0);
}

static void when_to_look_next(void **state)
{
    static const struct {
        StreamPace now, before;
        uint64_t expected;
    } cases[] = {
        { { 0, 200000, 0 }, { 0 }, STREAM_LOOK_MAX_USEC },
        { { 0, 0, 0 }, { 0 }, STREAM_LOOK_MAX_USEC },
        { { MIB, 100000, 0 }, { 0 }, STREAM_LOOK_MAX_USEC },
        { { 8 * MIB, 50000, 0 }, { 0 }, 50000 }, /* 160 MiB/s */
        { { 16 * MIB, 50000, 0 }, { 0 }, 25000 },
        { { 800 * MIB, 100000, 0 }, { 0 }, STREAM_LOOK_MIN_USEC },
        { { 16 * MIB, 0, 0 }, { 0 }, STREAM_LOOK_MIN_USEC },
        /* It waited, and goes on. */
        { { 0, 100000, 0 }, { 16 * MIB, 50000, 0 }, 25000 },
        { { 16 * MIB, 50000, 0 }, { 8 * MIB, 50000, 0 }, 25000 },
        /* A service with many files: 4 % of a core. */
        { { 800 * MIB, 100000, 4000 }, { 0, 0, 4000 }, 100000 },
        { { 0, 100000, 20000 }, { 0, 100000, 30000 }, 500000 },
        { { 0, 100000, 90000 }, { 0, 100000, 20000 }, 500000 },
        /* Sooner, and for more of a core, where more is left than half of what it may have. */
        { { 8 * MIB, 50000, 0, 32 * MIB }, { 0 }, 50000 },
        { { 8 * MIB, 50000, 0, 33 * MIB }, { 0 }, 12500 },
        { { 8 * MIB, 50000, 2000, 33 * MIB }, { 0, 0, 2000 }, 20000 },
        { { 0, 100000, 0, 33 * MIB }, { 0 }, STREAM_LOOK_MAX_USEC },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        uint64_t next = stream_interval(&cases[i].now, &cases[i].before);

        if (next != cases[i].expected)
            fail_msg("case %zu: %llu", i, (unsigned long long)next);
    }
}

/* What comes at 64 KiB/s in looks of 10 ms adds up, and is spent on whole folios, also while a
 * writer spends all that it may write. */
static void a_low_rate_adds_up(void **state)
{
    StreamSpan all = { MIB, 100 * MIB };
    StreamBudget budget = { 0 };
    uint64_t looks = 0;

    while (looks++, stream_within(all, budget.drop, STREAM_FOLIO_MAX).end == all.begin) {
        assert_true(looks < 10000);
        assert_int_equal(stream_reclaim_within(64 * MIB, &budget), 0);
        stream_budget_earn(&budget, 64 * KIB, 10000);
        stream_budget_spend(&budget, &(StreamBudget){ .write = budget.write });
    }
    assert_int_equal(stream_within(all, budget.drop, STREAM_FOLIO_MAX).end, 2 * MIB);
    assert_in_range(looks, 1600, 1700); /* 1 MiB at 64 KiB/s, rounded down 100 times a second */
    assert_int_equal(budget.write, 0);

    /* Not all that was not used. */
    for (uint64_t i = 0; i < 100000; i++)
        stream_budget_earn(&budget, 64 * KIB, 10000);
    assert_int_equal(budget.write, 4 * MIB);
    assert_int_equal(budget.drop, 4 * MIB);
    assert_int_equal(stream_reclaim_within(64 * MIB, &budget), 4 * MIB);
    assert_int_equal(stream_reclaim_within(3 * MIB, &budget), 3 * MIB);
    stream_budget_spend(&budget, &(StreamBudget){ .drop = MIB, .reclaim = 5 * MIB });
    assert_int_equal(budget.drop, 3 * MIB);
    assert_int_equal(budget.reclaim, 0);
    stream_budget_earn(&budget, 100 * MIB, 20 * USEC_PER_SEC);
    assert_int_equal(budget.drop, 100 * MIB);
}

static void a_budget_ends_where_no_folio_goes_on(void **state)
{
    static const struct {
        StreamSpan span;
        uint64_t budget, end;
    } cases[] = {
        { { 0, 8 * MIB }, UINT64_MAX, 8 * MIB },        { { 0, 8 * MIB }, 8 * MIB, 8 * MIB },
        { { 0, 8 * MIB + PAGE }, 8 * MIB, 8 * MIB },    { { 0, 8 * MIB }, 5 * MIB, 4 * MIB },
        { { PAGE, 8 * MIB }, 2 * MIB - PAGE, 2 * MIB }, { { PAGE, 8 * MIB }, PAGE, PAGE },
        { { PAGE, 3 * PAGE }, 2 * PAGE, 3 * PAGE },     { { PAGE, PAGE }, 0, PAGE },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(stream_within(cases[i].span, cases[i].budget, STREAM_FOLIO_MAX).end,
                         cases[i].end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(courses),
        cmocka_unit_test(what_is_written_goes_to_the_disk_from_the_beginning),
        cmocka_unit_test(what_is_appended_goes_to_the_disk_at_once),
        cmocka_unit_test(moving),
        cmocka_unit_test(spans_are_whole_pages),
        cmocka_unit_test(what_was_there_before_is_spared),
        cmocka_unit_test(with_too_many_spans_the_rest_is_spared),
        cmocka_unit_test(sparse),
        cmocka_unit_test(what_is_reclaimed),
        cmocka_unit_test(when_to_look_next),
        cmocka_unit_test(a_low_rate_adds_up),
        cmocka_unit_test(a_budget_ends_where_no_folio_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
