/* SPDX-License-Identifier: MIT */
/* What is understood and not acted on yet is told, once, with the key; all else is silent. */
#include "unit/policy/decoding.h"

static void keys_that_put_an_entry_to_sleep(void **state)
{
    static const Case cases[] = {
        { LEAST "evict: [{stream: true}]\n", "3:10: note: \"stream\" in evict is not acted on by "
                                             "this version (this entry is left alone)\n" },
    };

    CHECK_REMARKED(cases);
}

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
                "page-out, keep: last 1M, rate: 1M/s}]\n",
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

static void drop_ins_note_once_where_it_stands(void **state)
{
    static const FilesCase cases[] = {
        { { LEAST "evict: [{stream: true}]\n", "role: normal\n" },
          "p.yaml:3:10: note: \"stream\" in evict is not acted on by this version (this entry is "
          "left alone)\n" },
        { { LEAST "", "evict: [{stream: true}]\n" },
          "10.yaml:1:10: note: \"stream\" in evict is not acted on by this version (this entry is "
          "left alone)\n" },
        { { LEAST "evict: [{stream: true}]\n", "evict: [{path: /srv/x}]\n" }, "" },
        { { LEAST "memory_high: {mode: track}\n", "memory_high: {mode: off}\n" }, "" },
    };

    CHECK_FILES_REMARKED(cases);
}

/* Only the entry itself is left alone; a key without effect leaves it awake. */
static void only_entries_that_sleep_are_dormant(void **state)
{
    static const char text[] = LEAST "pin:\n"
                                     "  budget: 1M\n"
                                     "  files:\n"
                                     "  - {path: /srv/a, lock: none}\n"
                                     "  - {path: /srv/b, lock: on-fault}\n"
                                     "  - {path: /srv/c, range: 1M-}\n"
                                     "  - {mapped: [libraries]}\n"
                                     "  - {path: /srv/d, lock: populate, range: 0-1M}\n"
                                     "  - {path: /srv/e}\n"
                                     "evict:\n"
                                     "- {path: /srv/f, when: [distress]}\n"
                                     "- {path: /srv/g, keep: first 1M}\n"
                                     "- {stream: true}\n"
                                     "- {path: /srv/h, dirty: write-back, mapped: page-out, "
                                     "rate: 1M/s}\n"
                                     "- {path: /srv/i}\n";
    static const bool pins[] = { false, false, false, false, false, false };
    static const bool evicts[] = { false, false, true, false, false };
    Diagnostics diagnostics = { 0 };
    cleanup(policy_freep) Policy *policy = NULL;

    assert_int_equal(decode_text(text, strlen(text), &diagnostics, &policy), 0);
    diagnostics_clear(&diagnostics);
    assert_int_equal(policy->n_pins, ELEMENTS(pins));
    for (size_t i = 0; i < ELEMENTS(pins); i++)
        assert_int_equal(policy->pins[i].dormant, pins[i]);
    assert_int_equal(policy->n_evicts, ELEMENTS(evicts));
    for (size_t i = 0; i < ELEMENTS(evicts); i++)
        assert_int_equal(policy->evicts[i].dormant, evicts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_put_an_entry_to_sleep),
        cmocka_unit_test(what_is_acted_on_is_silent),
        cmocka_unit_test(drop_ins_note_once_where_it_stands),
        cmocka_unit_test(only_entries_that_sleep_are_dormant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
