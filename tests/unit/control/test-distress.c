/* SPDX-License-Identifier: MIT */
#include "control/distress.h"

#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"

#define AT0 (1000 * USEC_PER_SEC)

/* One look: milliseconds since AT0, milliseconds of stall and refaults in all. */
typedef struct Look {
    uint64_t at_ms;
    bool no_psi;
    uint64_t stall_ms;
    uint64_t refaults;
    uint64_t faults; /* major ones */
    uint64_t io_ms;
    uint64_t stolen; /* MiB that reclaim took, in all */
    uint64_t file;   /* MiB of page cache */
    uint64_t events; /* of its own limits */
    DistressReason expected;
} Look;

static DistressConfig config;

static Sample sample_of(const Look *look)
{
    return (Sample){
        .at_usec = AT0 + look->at_ms * USEC_PER_MSEC,
        .page = 4096,
        .refault_file = look->refaults,
        .pgmajfault = look->faults,
        .pgsteal = look->stolen * MIB / 4096,
        .file = look->file * MIB,
        .events_high = look->events / 2,
        .events_max = look->events - look->events / 2,
        .io_psi = { .valid = !look->no_psi,
                    .some_usec = look->no_psi ? 0 : look->io_ms * USEC_PER_MSEC },
        /* Without PSI nothing of it means anything. */
        .memory_psi = { .valid = !look->no_psi,
                        .some_usec = look->no_psi ? 0 : look->stall_ms * USEC_PER_MSEC },
    };
}

static void run_looks(const char *file, int line, const Look *looks, size_t n)
{
    DistressState state = { 0 };

    for (size_t i = 0; i < n; i++) {
        Sample sample = sample_of(&looks[i]);
        DistressReason reason = distress_update(&state, &config, &sample);
        if (reason != looks[i].expected || reason != state.reason)
            fail_msg("%s:%d: look %zu: %s, not %s", file, line, i,
                     distress_reason_to_string(reason),
                     distress_reason_to_string(looks[i].expected));
    }
}

#define LOOKS(...)                                               \
    do {                                                         \
        const Look looks_[] = { __VA_ARGS__ };                   \
        run_looks(__FILE__, __LINE__, looks_, ELEMENTS(looks_)); \
    } while (0)

#define CALM      DISTRESS_NONE
#define PRESSURE  DISTRESS_MEMORY_PRESSURE
#define REFAULTED DISTRESS_REFAULTS
#define FAULTED   DISTRESS_MAJOR_FAULTS
#define IO        DISTRESS_IO_PRESSURE
#define STOLEN    DISTRESS_STOLEN

static int defaults(void **state)
{
    config = DISTRESS_CONFIG_DEFAULT;
    return 0;
}

static void the_first_look_only_begins(void **state)
{
    LOOKS({ 0, .stall_ms = 900000, .refaults = 900000, .expected = CALM });
    LOOKS({ 0, .stall_ms = 900000, .refaults = 900000, .expected = CALM },
          { 1000, .stall_ms = 900000, .refaults = 900000, .expected = CALM });
}

static void growth_within_the_window_counts(void **state)
{
    LOOKS({ 0, .expected = CALM }, { 1000, .stall_ms = 10, .expected = CALM },
          { 2000, .stall_ms = 19, .expected = CALM }, { 3000, .stall_ms = 29, .expected = CALM },
          { 4000, .stall_ms = 39, .expected = PRESSURE });
    LOOKS({ 0, .expected = CALM }, { 1000, .refaults = 20, .expected = CALM },
          { 2000, .refaults = 39, .expected = CALM }, { 3000, .refaults = 59, .expected = CALM },
          { 4000, .refaults = 79, .expected = REFAULTED });
    /* All of it between two looks. */
    LOOKS({ 0, .expected = CALM }, { 1000, .stall_ms = 20, .expected = PRESSURE });
    LOOKS({ 0, .expected = CALM }, { 1000, .refaults = 40, .expected = REFAULTED });
    LOOKS({ 0, .expected = CALM }, { 1000, .stall_ms = 19, .refaults = 39, .expected = CALM });
}

static void pressure_is_named_first(void **state)
{
    LOOKS({ 0, .expected = CALM },
          { 1000, .stall_ms = 20, .refaults = 4000, .expected = PRESSURE });
    /* Even where only the window before the last look shows it. */
    LOOKS({ 0, .expected = CALM }, { 1000, .stall_ms = 15, .expected = CALM },
          { 2000, .stall_ms = 20, .refaults = 4000, .expected = PRESSURE });
}

static void a_long_gap_allows_in_proportion(void **state)
{
    /* 3 s allow 30 ms, 200 s allow 2 s of stall. */
    LOOKS({ 0, .expected = CALM }, { 3000, .stall_ms = 29, .expected = CALM });
    LOOKS({ 0, .expected = CALM }, { 3000, .stall_ms = 30, .expected = PRESSURE });
    LOOKS({ 0, .expected = CALM }, { 200000, .stall_ms = 1999, .expected = CALM });
    LOOKS({ 0, .expected = CALM }, { 200000, .stall_ms = 2000, .expected = PRESSURE });
    LOOKS({ 0, .expected = CALM }, { 3000, .refaults = 59, .expected = CALM });
    LOOKS({ 0, .expected = CALM }, { 3000, .refaults = 60, .expected = REFAULTED });
}

static void an_odd_spacing_does_not_hide_a_burst(void **state)
{
    /* The look before the window is 2.2 s old, but all of it came within the last 1.1 s. */
    LOOKS({ 0, .expected = CALM }, { 1100, .expected = CALM },
          { 2200, .stall_ms = 20, .expected = PRESSURE });
    LOOKS({ 0, .expected = CALM }, { 1250, .expected = CALM },
          { 2500, .refaults = 40, .expected = REFAULTED });
    LOOKS({ 0, .expected = CALM }, { 1250, .stall_ms = 10, .expected = CALM },
          { 2500, .stall_ms = 24, .expected = CALM });
}

static void a_trigger_between_two_looks_is_believed(void **state)
{
    /* The kernel's trigger fires as soon as its 20 ms are full, early in the tick. */
    LOOKS({ 0, .expected = CALM }, { 1000, .expected = CALM }, { 2000, .expected = CALM },
          { 2030, .stall_ms = 20, .expected = PRESSURE });
    /* One fired by stalls of before: they are a window old by now. */
    LOOKS({ 0, .expected = CALM }, { 1000, .stall_ms = 10, .expected = CALM },
          { 3000, .stall_ms = 10, .expected = CALM }, { 3100, .stall_ms = 19, .expected = CALM });
}

static void what_left_the_window_is_forgotten(void **state)
{
    LOOKS({ 0, .expected = CALM }, { 1000, .stall_ms = 19, .expected = CALM },
          { 2000, .stall_ms = 19, .expected = CALM }, { 3000, .stall_ms = 19, .expected = CALM },
          { 4000, .stall_ms = 38, .expected = CALM });
}

static void many_early_looks_do_not_overflow(void **state)
{
    DistressState s = { 0 };

    for (unsigned i = 0; i < 1000; i++) {
        Look look = { i, .stall_ms = i / 200 };
        Sample sample = sample_of(&look);
        assert_int_equal(distress_update(&s, &config, &sample), CALM);
        assert_in_range(s.n_points, 1, DISTRESS_HISTORY);
    }
    /* The newest are the ones that are kept. */
    Look look = { 1000, .stall_ms = 4 + 20 };
    Sample sample = sample_of(&look);
    assert_int_equal(distress_update(&s, &config, &sample), PRESSURE);
    assert_int_equal(s.points[s.n_points - 1].at_usec, sample.at_usec);
}

static void without_psi_there_are_refaults(void **state)
{
    LOOKS({ 0, .no_psi = true, .expected = CALM },
          { 1000, .no_psi = true, .refaults = 39, .expected = CALM },
          { 2000, .no_psi = true, .refaults = 40, .expected = REFAULTED });
}

static void psi_that_comes_and_goes_is_no_growth(void **state)
{
    /* Back again, the counter is where it was: a minute of stall that was long before. */
    LOOKS({ 0, .stall_ms = 60000, .expected = CALM }, { 1000, .no_psi = true, .expected = CALM },
          { 2000, .stall_ms = 60000, .expected = CALM },
          { 3000, .stall_ms = 60019, .expected = CALM },
          { 4000, .stall_ms = 60020, .expected = PRESSURE });
    LOOKS({ 0, .no_psi = true, .expected = CALM }, { 1000, .stall_ms = 60000, .expected = CALM },
          { 2000, .stall_ms = 60020, .expected = PRESSURE });
    /* Distress lasts through the gap, and refaults are seen in it. */
    LOOKS({ 0, .stall_ms = 60000, .expected = CALM },
          { 1000, .stall_ms = 60020, .expected = PRESSURE },
          { 2000, .no_psi = true, .expected = PRESSURE },
          { 3000, .no_psi = true, .refaults = 40, .expected = REFAULTED });
}

static void a_counter_that_falls_begins_anew(void **state)
{
    /* The service was restarted: its cgroup, and its distress, are others. */
    LOOKS({ 0, .stall_ms = 500, .refaults = 500, .expected = CALM },
          { 1000, .stall_ms = 600, .refaults = 500, .expected = PRESSURE },
          { 2000, .stall_ms = 300, .refaults = 500, .expected = CALM },
          { 3000, .stall_ms = 319, .refaults = 539, .expected = CALM },
          { 4000, .stall_ms = 320, .refaults = 539, .expected = PRESSURE });
    LOOKS({ 0, .refaults = 500, .expected = CALM },
          { 1000, .refaults = 600, .expected = REFAULTED },
          { 2000, .refaults = 300, .expected = CALM }, { 3000, .refaults = 339, .expected = CALM });
}

static void a_clock_that_falls_begins_anew(void **state)
{
    LOOKS({ 5000, .expected = CALM }, { 6000, .stall_ms = 30, .expected = PRESSURE },
          { 5500, .stall_ms = 90, .expected = CALM }, { 6500, .stall_ms = 109, .expected = CALM },
          { 7000, .stall_ms = 110, .expected = PRESSURE });
    /* The same instant twice is harmless. */
    LOOKS({ 0, .expected = CALM }, { 0, .expected = CALM },
          { 0, .stall_ms = 20, .expected = PRESSURE });
}

static void calm_has_to_last(void **state)
{
    assert_int_equal(DISTRESS_CALM_USEC, 5 * USEC_PER_SEC);
    LOOKS({ 0, .expected = CALM }, { 1000, .stall_ms = 20, .expected = PRESSURE },
          /* the same 20 ms are in this window too */
          { 2000, .stall_ms = 20, .expected = PRESSURE },
          { 3000, .stall_ms = 20, .expected = PRESSURE },
          { 6999, .stall_ms = 20, .expected = PRESSURE },
          { 7000, .stall_ms = 20, .expected = CALM });
    /* A flicker begins it again. */
    LOOKS({ 0, .expected = CALM }, { 1000, .refaults = 40, .expected = REFAULTED },
          { 5000, .refaults = 40, .expected = REFAULTED },
          { 5500, .refaults = 80, .expected = REFAULTED },
          { 8500, .refaults = 80, .expected = REFAULTED },
          { 10499, .refaults = 80, .expected = REFAULTED },
          { 10500, .refaults = 80, .expected = CALM });
}

static void the_reason_is_the_latest(void **state)
{
    LOOKS({ 0, .expected = CALM }, { 1000, .stall_ms = 20, .expected = PRESSURE },
          { 4000, .stall_ms = 20, .expected = PRESSURE },
          { 5000, .stall_ms = 20, .refaults = 40, .expected = REFAULTED });
}

static void pages_that_go_are_the_leading_sign(void **state)
{
    /* 4 MiB in a quarter of a second; no less, and no slower. */
    LOOKS({ 0, .file = 2256, .expected = CALM },
          { 100, .file = 2254, .stolen = 2, .expected = CALM },
          { 200, .file = 2252, .stolen = 4, .expected = STOLEN });
    LOOKS({ 0, .file = 2256, .expected = CALM },
          { 250, .file = 2253, .stolen = 3, .expected = CALM },
          { 500, .file = 2249, .stolen = 7, .expected = STOLEN });
    LOOKS({ 0, .file = 2256, .expected = CALM },
          { 1000, .file = 2241, .stolen = 15, .expected = CALM },
          { 2000, .file = 2226, .stolen = 30, .expected = CALM },
          { 3000, .file = 2210, .stolen = 46, .expected = STOLEN });
    /* Of a small cache less is much: 1 MiB a second of 128, or of fewer. */
    LOOKS({ 0, .file = 256, .expected = CALM },
          { 1000, .file = 255, .stolen = 1, .expected = CALM },
          { 2000, .file = 253, .stolen = 3, .expected = STOLEN });
    LOOKS({ 0, .file = 64, .expected = CALM },
          { 1000, .file = 63, .stolen = 1, .expected = STOLEN });
    LOOKS({ 0, .file = 64, .expected = CALM }, { 1500, .file = 63, .stolen = 1, .expected = CALM });
    /* Quick looks do not hide a slow theft, nor make one of it. */
    LOOKS({ 0, .file = 2256, .expected = CALM },
          { 60, .file = 2255, .stolen = 1, .expected = CALM },
          { 120, .file = 2254, .stolen = 2, .expected = CALM },
          { 180, .file = 2253, .stolen = 3, .expected = CALM },
          { 240, .file = 2252, .stolen = 4, .expected = STOLEN });
}

static void what_is_not_stolen(void **state)
{
    /* It streams: reclaim takes what it brings in. It deletes a file. */
    LOOKS({ 0, .file = 2256, .expected = CALM },
          { 1000, .file = 2256, .stolen = 400, .expected = CALM },
          { 2000, .file = 2010, .stolen = 400, .expected = CALM });
    /* No more is stolen than the cache shrank by. */
    LOOKS({ 0, .file = 2256, .expected = CALM },
          { 1000, .file = 2241, .stolen = 400, .expected = CALM });
    /* Its own limits. */
    LOOKS({ 0, .file = 2256, .expected = CALM },
          { 1000, .file = 2156, .stolen = 100, .events = 1, .expected = CALM },
          { 2000, .file = 2056, .stolen = 200, .events = 1, .expected = STOLEN });
    /* It goes, comes back, and goes again: the sum of that is not what it lacks. */
    LOOKS({ 0, .file = 2256, .expected = CALM },
          { 100, .file = 2253, .stolen = 3, .expected = CALM },
          { 200, .file = 2256, .stolen = 3, .expected = CALM },
          { 300, .file = 2253, .stolen = 6, .expected = CALM });
    config.stolen = DISTRESS_NEVER;
    LOOKS({ 0, .file = 2256, .expected = CALM },
          { 1000, .file = 1744, .stolen = 256, .expected = CALM });
}

/* However often the same pages go and come. */
static void what_it_lacks(void **state)
{
    DistressState s = { 0 };
    Look look = { .file = 256 };

    for (unsigned i = 0; i < 10; i++) {
        Sample sample;
        look.at_ms += 1000;
        look.file = i % 2 ? 216 : 256;
        look.stolen += i % 2 ? 40 : 0;
        sample = sample_of(&look);
        (void)distress_update(&s, &config, &sample);
        assert_int_equal(distress_lacks(&s), i % 2 ? 40 * MIB : 0);
    }
    assert_int_equal(distress_stolen(&s), 200 * MIB);
}

/* What goes is taken by its own law, its own cap, or nobody whom the policy looks for. */
static void what_is_not_looked_for_is_not_counted(void **state)
{
    DistressState s = { 0 };

    config.stolen = DISTRESS_NEVER;
    for (unsigned i = 0; i < 10; i++) {
        Sample sample = sample_of(
            &(Look){ .at_ms = 1000 * i, .file = 256 - 8 * i, .stolen = 8 * i });
        (void)distress_update(&s, &config, &sample);
        assert_int_equal(distress_stolen(&s), 0);
        assert_int_equal(distress_lacks(&s), 0);
    }
}

/* A look that finds @file MiB of cache and @taken reclaimed in all; @own were asked for before. */
static DistressReason look_beside(DistressState *s, Look look, uint64_t own, bool goes_on)
{
    Sample sample = sample_of(&look);

    distress_note_own(s, own * MIB, goes_on);
    return distress_update(s, &config, &sample);
}

static void what_its_own_policy_takes_is_not_stolen(void **state)
{
    DistressState s = { 0 };

    look_beside(&s, (Look){ .file = 512 }, 0, false);
    /* A part of it by this look, and the rest by the next; and then somebody else. */
    assert_int_equal(look_beside(&s, (Look){ 1000, .file = 492, .stolen = 20 }, 64, true), CALM);
    assert_int_equal(look_beside(&s, (Look){ 2000, .file = 448, .stolen = 64 }, 0, true), CALM);
    assert_int_equal(distress_stolen(&s) + distress_lacks(&s), 0);
    assert_int_equal(look_beside(&s, (Look){ 3000, .file = 416, .stolen = 96 }, 0, false), STOLEN);
    assert_int_equal(distress_stolen(&s), 32 * MIB);
    /* Both at once. */
    s = (DistressState){ 0 };
    look_beside(&s, (Look){ .file = 512 }, 0, false);
    assert_int_equal(look_beside(&s, (Look){ 1000, .file = 432, .stolen = 80 }, 60, false), STOLEN);
    assert_int_equal(distress_stolen(&s), 20 * MIB);
    /* What could not be had is no excuse later. */
    s = (DistressState){ 0 };
    look_beside(&s, (Look){ .file = 512 }, 0, false);
    assert_int_equal(look_beside(&s, (Look){ 1000, .file = 512 }, 64, false), CALM);
    assert_int_equal(look_beside(&s, (Look){ 2000, .file = 480, .stolen = 32 }, 0, false), STOLEN);
}

static void damage_is_named_before_its_sign(void **state)
{
    LOOKS({ 0, .file = 2256, .expected = CALM },
          { 1000, .file = 2200, .stolen = 56, .expected = STOLEN },
          { 2000, .file = 2100, .stolen = 156, .refaults = 40, .expected = REFAULTED });
}

static void faults_and_io_where_they_are_asked_for(void **state)
{
    LOOKS({ 0, .expected = CALM }, { 1000, .faults = 9000, .io_ms = 1000, .expected = CALM });
    config.major_faults = 50;
    config.io_pressure = 200000;
    LOOKS({ 0, .expected = CALM }, { 2000, .faults = 99, .io_ms = 399, .expected = CALM });
    LOOKS({ 0, .expected = CALM }, { 2000, .faults = 100, .expected = FAULTED });
    LOOKS({ 0, .expected = CALM }, { 2000, .io_ms = 400, .expected = IO });
    LOOKS({ 0, .expected = CALM }, { 2000, .faults = 100, .io_ms = 400, .expected = FAULTED });
    /* A counter that falls begins anew; pressure that comes and goes is none. */
    LOOKS({ 0, .faults = 500, .expected = CALM }, { 1000, .faults = 600, .expected = FAULTED },
          { 2000, .faults = 0, .expected = CALM }, { 3000, .faults = 99, .expected = CALM });
    LOOKS({ 0, .io_ms = 9000, .expected = CALM }, { 1000, .no_psi = true, .expected = CALM },
          { 2000, .io_ms = 9399, .expected = CALM }, { 3000, .io_ms = 9400, .expected = CALM },
          { 3500, .io_ms = 9799, .expected = IO });
    LOOKS({ 0, .io_ms = 9000, .expected = CALM }, { 1000, .io_ms = 9400, .expected = IO },
          { 2000, .io_ms = 100, .expected = CALM });
}

/* A window over 2 s would be looked at too seldom. */
static void what_a_trigger_is_armed_with(void **state)
{
    static const struct {
        uint64_t window_ms, share, stall_ms, armed_ms;
    } cases[] = {
        { 1000, 10000, 10, 1000 },
        { 2000, 10000, 20, 2000 },
        { 10000, 10000, 100, 2000 },
        { 10000, 500000, 2000, 2000 },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        config.window_usec = cases[i].window_ms * USEC_PER_MSEC;
        config.memory_pressure = cases[i].share;
        DistressTrigger trigger = distress_trigger(&config);
        assert_int_equal(trigger.stall_usec, cases[i].stall_ms * USEC_PER_MSEC);
        assert_int_equal(trigger.window_usec, cases[i].armed_ms * USEC_PER_MSEC);
    }
}

static void no_growth_is_too_large(void **state)
{
    DistressState s = { 0 };
    Sample sample = { .at_usec = AT0, .memory_psi.valid = true };

    assert_int_equal(distress_update(&s, &config, &sample), CALM);
    sample.at_usec = UINT64_MAX / 2;
    sample.memory_psi.some_usec = sample.refault_file = UINT64_MAX;
    assert_int_equal(distress_update(&s, &config, &sample), PRESSURE);
}

static void reasons_have_names(void **state)
{
    assert_string_equal(distress_reason_to_string(DISTRESS_NONE), "calm");
    assert_string_equal(distress_reason_to_string(DISTRESS_MEMORY_PRESSURE), "memory pressure");
    assert_string_equal(distress_reason_to_string(DISTRESS_REFAULTS), "refaults");
    assert_string_equal(distress_reason_to_string(DISTRESS_MAJOR_FAULTS), "major faults");
    assert_string_equal(distress_reason_to_string(DISTRESS_IO_PRESSURE), "I/O pressure");
    assert_string_equal(distress_reason_to_string(DISTRESS_STOLEN), "stolen pages");
}

/* 40 pages a second come back; what is taken meanwhile decides. */
static void what_comes_back_is_told_from_what_is_lost(void **state)
{
    for (unsigned taken_kib = 0; taken_kib <= 160; taken_kib += 40) {
        DistressState distress = { 0 };
        Sample sample = sample_of(&(Look){ .file = 200 });

        assert_false(distress_recovers(&distress));
        for (unsigned seconds = 0; seconds < 5; seconds++) {
            (void)distress_update(&distress, &config, &sample);
            sample.at_usec += USEC_PER_SEC;
            sample.refault_file += 40;
            sample.pgsteal += taken_kib * KIB / 4096;
        }
        assert_int_equal(distress.reason, REFAULTED);
        assert_int_equal(distress_recovers(&distress), taken_kib <= 80);
        /* Whose tasks wait for memory has not enough of it. */
        sample.memory_psi.some_usec += USEC_PER_SEC;
        (void)distress_update(&distress, &config, &sample);
        assert_false(distress_recovers(&distress));
    }
}

/* Within the kernel's 2 s there is enough of it, and in none of the spans between looks. */
static void the_kernel_is_believed_when_its_trigger_fires(void **state)
{
    static const unsigned at_ms[] = { 0, 1000, 2000, 3000, 3900 },
                          stall_ms[] = { 0, 0, 10, 10, 20 };

    for (unsigned fires = 0; fires < 2; fires++) {
        DistressState distress = { 0 };

        for (size_t i = 0; i < ELEMENTS(at_ms); i++) {
            Sample sample = sample_of(&(Look){ .at_ms = at_ms[i], .stall_ms = stall_ms[i] });
            if (fires && i == ELEMENTS(at_ms) - 1)
                distress_note_trigger(&distress);
            (void)distress_update(&distress, &config, &sample);
        }
        assert_int_equal(distress.reason, fires ? PRESSURE : CALM);
        /* Once. */
        Sample sample = sample_of(&(Look){ .at_ms = 8900, .stall_ms = 20 });
        assert_int_equal(distress_update(&distress, &config, &sample), CALM);
    }
}

/* However often it fires: where hardly anything stalled, nobody suffers. */
static void a_trigger_that_fires_for_nothing(void **state)
{
    DistressState distress = { 0 };
    Look look = { 0 };

    for (unsigned i = 0; i < 500; i++) {
        look.at_ms += i < 3 ? 1000 : 7;
        look.stall_ms += i == 2 ? 4 : 0;
        Sample sample = sample_of(&look);
        distress_note_trigger(&distress);
        assert_int_equal(distress_update(&distress, &config, &sample), CALM);
        assert_in_range(distress.n_points, 1, DISTRESS_HISTORY);
    }
}

/* Where what is allowed is more than the trigger's window, it says nothing. */
static void a_trigger_that_is_not_the_threshold(void **state)
{
    DistressConfig most = config;
    DistressState distress = { 0 };

    most.window_usec = 10 * USEC_PER_SEC;
    most.memory_pressure = 500000;
    Sample sample = sample_of(&(Look){ .at_ms = 0 });

    (void)distress_update(&distress, &most, &sample);
    sample = sample_of(&(Look){ .at_ms = 2000, .stall_ms = 2000 });
    distress_note_trigger(&distress);
    assert_int_equal(distress_update(&distress, &most, &sample), CALM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_look_only_begins),
        cmocka_unit_test(what_comes_back_is_told_from_what_is_lost),
        cmocka_unit_test(growth_within_the_window_counts),
        cmocka_unit_test(pressure_is_named_first),
        cmocka_unit_test(a_long_gap_allows_in_proportion),
        cmocka_unit_test(an_odd_spacing_does_not_hide_a_burst),
        cmocka_unit_test(a_trigger_between_two_looks_is_believed),
        cmocka_unit_test_setup(the_kernel_is_believed_when_its_trigger_fires, defaults),
        cmocka_unit_test_setup(a_trigger_that_fires_for_nothing, defaults),
        cmocka_unit_test_setup(a_trigger_that_is_not_the_threshold, defaults),
        cmocka_unit_test(what_left_the_window_is_forgotten),
        cmocka_unit_test(many_early_looks_do_not_overflow),
        cmocka_unit_test(without_psi_there_are_refaults),
        cmocka_unit_test(psi_that_comes_and_goes_is_no_growth),
        cmocka_unit_test(a_counter_that_falls_begins_anew),
        cmocka_unit_test(a_clock_that_falls_begins_anew),
        cmocka_unit_test(calm_has_to_last),
        cmocka_unit_test(the_reason_is_the_latest),
        cmocka_unit_test(pages_that_go_are_the_leading_sign),
        cmocka_unit_test(damage_is_named_before_its_sign),
        cmocka_unit_test_setup(what_is_not_stolen, defaults),
        cmocka_unit_test_setup(what_its_own_policy_takes_is_not_stolen, defaults),
        cmocka_unit_test_setup(what_it_lacks, defaults),
        cmocka_unit_test_setup(what_is_not_looked_for_is_not_counted, defaults),
        cmocka_unit_test_setup(what_a_trigger_is_armed_with, defaults),
        cmocka_unit_test_setup(faults_and_io_where_they_are_asked_for, defaults),
        cmocka_unit_test_setup(no_growth_is_too_large, defaults),
        cmocka_unit_test(reasons_have_names),
    };

    return cmocka_run_group_tests(tests, defaults, NULL);
}
