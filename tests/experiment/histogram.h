/* SPDX-License-Identifier: MIT */
#pragma once

/* A log-linear histogram: 64 buckets for every power of two, so that any quantile is at most 1.6 %
 * above the true one, whatever the range, in a fixed 30 KiB. */

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_SUB      (UINT64_C(1) << HISTOGRAM_SUB_BITS)
/* One linear run of SUB values, then SUB buckets for each exponent from SUB_BITS to 63. */
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB)

typedef struct Histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max;
} Histogram;

void histogram_add(Histogram *histogram, uint64_t value);

/* The smallest bucket end that at least @per_mille / 1000 of the values do not exceed (500: the
 * median), never above the largest value; 0 of an empty histogram. */
uint64_t histogram_quantile(const Histogram *histogram, unsigned int per_mille);

/* The largest value that falls into bucket @index (< HISTOGRAM_BUCKETS). */
uint64_t histogram_bucket_end(uint64_t index);
