/* SPDX-License-Identifier: MIT */
/* What came in meanwhile would hide what went, and no figure tells it: so it is taken to have gone
 * on as before. Reclaim is known, and would look like it. */

#include "control/cold.h"

#include "control/cache_cap.h"

CacheMark cache_mark(const Sample *sample)
{
    return (CacheMark){
        .at_usec = sample->at_usec,
        .cache = cap_cache(sample),
        .stolen = mul_u64(sample->pgsteal, sample->page),
    };
}

/* What came in between two looks, at the least. */
static uint64_t came(const CacheMark *from, const CacheMark *to)
{
    return sub_u64(add_u64(to->cache, sub_u64(to->stolen, from->stolen)), from->cache);
}

static uint64_t gone(const ColdTrial *trial, const CacheMark *after)
{
    const CacheMark *asked = &trial->asked, *begun = &trial->begun;
    uint64_t before = sub_u64(begun->at_usec, asked->at_usec);
    uint64_t since = sub_u64(after->at_usec, begun->at_usec);
    uint64_t more = before == 0 ? 0 : mul_u64(came(asked, begun), since) / before;
    uint64_t stolen = sub_u64(after->stolen, begun->stolen);

    return sub_u64(add_u64(begun->cache, more), add_u64(after->cache, stolen));
}

bool cold_judge(Hold *hold, const ColdTrial *trial, const CacheMark *after)
{
    if (trial->evicted < COLD_LEAST)
        return true;
    if (gone(trial, after) >= trial->evicted / 2) {
        *hold = (Hold){ 0 };
        return true;
    }
    hold_begin(hold, after->at_usec, COLD_HOLD_MIN_USEC, COLD_HOLD_MAX_USEC);
    return false;
}
