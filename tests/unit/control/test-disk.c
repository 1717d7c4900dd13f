/* SPDX-License-Identifier: MIT */
#include "control/disk.h"

#include "unit/test.h"
#include "util/cleanup.h"
#include "util/units.h"

/* One second: refaults, and ms that they and others waited for memory and for I/O. */
typedef struct Second {
    uint64_t refaults, memory_ms, io_ms;
    bool slow;
} Second;

static Sample after(const Sample *before, const Second *second)
{
    Sample sample = *before;

    sample.at_usec += USEC_PER_SEC;
    sample.refault_file += second->refaults;
    sample.memory_psi.some_usec += second->memory_ms * USEC_PER_MSEC;
    sample.io_psi.some_usec += second->io_ms * USEC_PER_MSEC;
    return sample;
}

static void check(const char *file, int line, const Second *seconds, size_t n)
{
    Sample sample = { .at_usec = USEC_PER_SEC, .memory_psi.valid = true, .io_psi.valid = true };
    DiskState state = { 0 };

    assert_false(disk_is_slow(&state, &sample));
    for (size_t i = 0; i < n; i++) {
        sample = after(&sample, &seconds[i]);
        if (disk_is_slow(&state, &sample) != seconds[i].slow)
            fail_msg("%s:%d: second %zu", file, line, i);
    }
}

#define CHECK(...)                                   \
    do {                                             \
        const Second s_[] = { __VA_ARGS__ };         \
        check(__FILE__, __LINE__, s_, ELEMENTS(s_)); \
    } while (0)

static void by_what_a_page_costs(void **state)
{
    CHECK({ 100, 900, 950, true });
    CHECK({ 32, 64, 64, true });
    CHECK({ 32, 63, 64, false });
    CHECK({ 1000, 900, 900, false });
    /* A stream waits for the disk, a squeezed unit for reclaim; neither says anything of refaults.
     */
    CHECK({ 100, 10, 950, false });
    CHECK({ 100, 950, 10, false });
}

static void a_few_pages_say_little(void **state)
{
    CHECK({ 10, 100, 100, false }, { 10, 100, 100, false }, { 10, 100, 100, false },
          { 2, 100, 100, true });
    /* What was long ago does not belong to it. */
    Second seconds[20] = { [0] = { 31, 500, 500, false }, [19] = { 5, 50, 50, false } };
    check(__FILE__, __LINE__, seconds, ELEMENTS(seconds));
}

static void it_is_tried_again(void **state)
{
    static const Second slow = { 100, 900, 900, true };
    Sample sample = { .at_usec = USEC_PER_SEC, .memory_psi.valid = true, .io_psi.valid = true };
    DiskState disk = { 0 };

    (void)disk_is_slow(&disk, &sample);
    for (uint64_t hold = DISK_HOLD_MIN_USEC; hold <= 2 * DISK_HOLD_MIN_USEC; hold *= 2) {
        sample = after(&sample, &slow);
        assert_true(disk_is_slow(&disk, &sample));
        sample.at_usec += hold - 1;
        assert_true(disk_is_slow(&disk, &sample));
        sample.at_usec += 1;
        assert_false(disk_is_slow(&disk, &sample));
    }
}

/* Another cgroup has the same disks. */
static void a_restart_forgets_nothing(void **state)
{
    static const Second slow = { 100, 900, 900, true };
    Sample sample = { .at_usec = USEC_PER_SEC, .memory_psi.valid = true, .io_psi.valid = true };
    DiskState disk = { 0 };

    (void)disk_is_slow(&disk, &sample);
    sample = after(&sample, &slow);
    assert_true(disk_is_slow(&disk, &sample));
    sample = (Sample){ .at_usec = sample.at_usec + 1, .memory_psi.valid = true };
    assert_true(disk_is_slow(&disk, &sample));
    sample.at_usec += DISK_HOLD_MIN_USEC;
    assert_false(disk_is_slow(&disk, &sample));
}

static void without_pressure_figures_it_is_not_known(void **state)
{
    Sample sample = { .at_usec = USEC_PER_SEC, .memory_psi.valid = true };
    DiskState disk = { 0 };

    (void)disk_is_slow(&disk, &sample);
    sample = after(&sample, &(Second){ 100, 900, 900, false });
    assert_false(disk_is_slow(&disk, &sample));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_what_a_page_costs),
        cmocka_unit_test(a_few_pages_say_little),
        cmocka_unit_test(it_is_tried_again),
        cmocka_unit_test(a_restart_forgets_nothing),
        cmocka_unit_test(without_pressure_figures_it_is_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
