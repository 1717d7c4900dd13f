/* SPDX-License-Identifier: MIT */
/* What is understood and not acted on yet would be told with the key; all else is silent. */
#include "unit/policy/decoding.h"

static void what_is_acted_on_is_silent(void **state)
{
    static const Case cases[] = {
        { LEAST "role: critical\nmode: observe\ndistress: {window: 3s, memory_pressure: 2%, "
                "io_pressure: 20%, refaults: 9/s, major_faults: 50/s, stolen: 16M/s}\n",
          "" },
        { LEAST
          "pin:\n  budget: 1M\n  files:\n  - {path: /srv/x, exclude: [a], max_size: 1M, range: "
          "0-8M, lock: now}\n  - {path: /srv/x, range: 1M-, lock: populate}\n  - {path: /srv/y, "
          "lock: "
          "on-fault, range: 1M-2M}\n  - {path: /srv/z, lock: none}\n  - {mapped: [executables, "
          "libraries]}\n  order: [smallest, "
          "largest, listed]\n  charge: service\n  restore: true\n  on_shortage: keep\n",
          "" },
        { LEAST "pin: {budget: 1M, files: [{path: /srv/x}], on_shortage: release}\n", "" },
        { LEAST "evict: [{path: /srv/x, idle: 3m, every: 1m, dirty: skip, mapped: skip}]\n", "" },
        { LEAST "evict: [{path: /srv/x, when: [pressure, distress], dirty: write-back, mapped: "
                "page-out, keep: last 1M, rate: 1M/s}, {stream: true, dirty: skip, rate: 1M/s}]\n",
          "" },
        { LEAST "advise: [{path: /srv/x, access: random}]\n", "" },
        { LEAST "cache: {max: 1G}\n", "" },
        { LEAST "memory_high: {mode: off}\n", "" },
        { "version: 1\nmatch: {cgroups: [/a/b]}\n", "" },
        { LEAST "memory_high: {mode: fixed, value: 2G, min: 1G, max: 2G}\n", "" },
        { LEAST "role: background\nmemory_high: {mode: yield, min: 1G}\n", "" },
        { LEAST "memory_high: {mode: track, min: 1G, max: 2G, pressure: 1%, reclaim: all}\n", "" },
    };

    CHECK_REMARKED(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_acted_on_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
