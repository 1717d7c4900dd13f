/* SPDX-License-Identifier: MIT */

/* Values below 64 have a bucket each. A larger one is cut to its 7 leading bits: the exponent picks
 * the run of 64 buckets, the 6 bits after the leading one the bucket in it. */

#include "histogram.h"

static uint64_t bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_SUB)
        return value;
    unsigned int shift = 63U - (unsigned int)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    return (shift + 1) * HISTOGRAM_SUB + ((value >> shift) - HISTOGRAM_SUB);
}

uint64_t histogram_bucket_end(uint64_t index)
{
    if (index < HISTOGRAM_SUB)
        return index;
    uint64_t shift = index / HISTOGRAM_SUB - 1;
    uint64_t lead = HISTOGRAM_SUB + index % HISTOGRAM_SUB;
    /* The last bucket ends at UINT64_MAX: the shift overflows to 0, and 0 - 1 is just that. */
    return ((lead + 1) << shift) - 1;
}

void histogram_add(Histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->total++;
    if (value > histogram->max)
        histogram->max = value;
}

uint64_t histogram_quantile(const Histogram *histogram, unsigned int per_mille)
{
    /* The rank rounds up: of 10 values, p99 is the 10th. */
    uint64_t rank = (histogram->total * per_mille + 999) / 1000, seen = 0;

    for (uint64_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && seen >= rank) {
            uint64_t end = histogram_bucket_end(i);
            return end < histogram->max ? end : histogram->max;
        }
    }
    return 0;
}
