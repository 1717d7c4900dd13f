/* SPDX-License-Identifier: MIT */

#include "histogram.h"
#include "unit/test.h"

static void test_empty(void **state)
{
    static const Histogram h;

    assert_int_equal(histogram_quantile(&h, 500), 0);
    assert_int_equal(histogram_quantile(&h, 1000), 0);
}

static void test_buckets_cover_all_values(void **state)
{
    /* Each value falls into the bucket whose end is the first that is not below it. */
    uint64_t previous = 0;
    for (uint64_t i = 1; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t end = histogram_bucket_end(i);
        assert_true(end > previous);
        previous = end;
    }
    assert_true(previous == UINT64_MAX);

    static const uint64_t values[] = { 0,     1,      63,      64,         65,
                                       127,   128,    129,     1000,       4095,
                                       12345, 999999, 1 << 30, UINT64_MAX, UINT64_C(1) << 63 };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        static Histogram h;
        h = (Histogram){ 0 };
        histogram_add(&h, values[i]);
        uint64_t index = 0;
        while (h.counts[index] == 0)
            index++;
        assert_true(histogram_bucket_end(index) >= values[i]);
        if (index > 0)
            assert_true(histogram_bucket_end(index - 1) < values[i]);
        assert_true(histogram_quantile(&h, 500) == values[i]);
    }
}

static void test_quantiles(void **state)
{
    static Histogram h;

    /* 990 values of 10, 9 of 1000, one of 5000. */
    for (int i = 0; i < 990; i++)
        histogram_add(&h, 10);
    for (int i = 0; i < 9; i++)
        histogram_add(&h, 1000);
    histogram_add(&h, 5000);

    assert_int_equal(histogram_quantile(&h, 500), 10);
    assert_int_equal(histogram_quantile(&h, 990), 10);
    uint64_t p991 = histogram_quantile(&h, 991), p999 = histogram_quantile(&h, 999);
    assert_true(p991 >= 1000 && p991 <= 1016);
    assert_true(p999 >= 1000 && p999 <= 1016);
    assert_int_equal(histogram_quantile(&h, 1000), 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_buckets_cover_all_values),
        cmocka_unit_test(test_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
