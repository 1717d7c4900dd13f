/* SPDX-License-Identifier: MIT */
/* A policy and its drop-ins: what is laid over what, and whose mistake is told where. */
#include "unit/policy/decoding.h"
#include "util/strv.h"

static Policy *decode_files(const char *const texts[FILES_MAX])
{
    Diagnostics diagnostics = { 0 };
    Source sources[FILES_MAX];
    Policy *policy = NULL;

    size_t n = make_sources(texts, sources);
    int r = policy_decode("p", sources, n, RAM, &diagnostics, &policy);
    CLEANUP_FREE char *found = format_messages(&diagnostics, sources);
    diagnostics_clear(&diagnostics);
    assert_string_equal(found, "");
    assert_int_equal(r, 0);
    return policy;
}

#define FILES(...) decode_files((const char *const[FILES_MAX]){ __VA_ARGS__ })

static void mappings_merge_key_by_key(void **state)
{
    cleanup(policy_freep)
        Policy *policy = FILES(LEAST "role: background\n"
                                     "pin: {budget: 1M, files: [{path: /srv/a}]}\n"
                                     "memory_high: {mode: yield, min: 1G}\n",
                               "pin: {budget: 2M}\n"
                               "memory_high: {min: 2G}\n");

    assert_int_equal(policy->role, ROLE_BACKGROUND);
    assert_int_equal(policy->pin_budget, 2 * MIB);
    assert_int_equal(policy->n_pins, 1);
    assert_int_equal(policy->memory_high.mode, LIMIT_YIELD);
    assert_true(policy->memory_high.min == 2 * GIB);
}

static void lists_and_single_values_replace(void **state)
{
    cleanup(policy_freep) Policy *policy = FILES(
        LEAST "description: old\n"
              "pin: {budget: 1M, files: [{path: /srv/a}, {path: /srv/b, max_size: 1M}],\n"
              "  order: [smallest, listed]}\n"
              "evict: [{path: /srv/c, idle: 9m}]\n",
        "match: {units: [b.service, c.service]}\n"
        "description: new\n"
        "pin: {files: [{path: /srv/d}], order: [largest]}\n"
        "evict: [{path: /srv/e}, {path: /srv/f}]\n");

    assert_string_equal(policy->description, "new");
    assert_int_equal(strv_length(policy->units), 2);
    assert_string_equal(policy->units[0], "b.service");
    assert_int_equal(policy->n_pins, 1);
    assert_string_equal(policy->pins[0].path, "/srv/d");
    assert_true(policy->pins[0].max_size == UINT64_MAX);
    assert_int_equal(policy->pin_order.n_keys, 1);
    assert_int_equal(policy->pin_order.keys[0], PIN_BY_LARGEST);
    assert_int_equal(policy->n_evicts, 2);
    assert_int_equal(policy->evicts[0].idle_usec, EVICT_IDLE_DEFAULT_USEC);
}

static void keys_of_a_drop_in_alone(void **state)
{
    cleanup(policy_freep) Policy *policy = FILES(
        LEAST, "mode: observe\npin: {budget: 1M, files: [{path: /srv/a}]}\n");

    assert_int_equal(policy->mode, MODE_OBSERVE);
    assert_int_equal(policy->n_pins, 1);
}

static void drop_ins_without_a_key(void **state)
{
    cleanup(policy_freep) Policy *policy = FILES(LEAST, "# role: critical\n", "mode: observe\n");

    assert_int_equal(policy->role, ROLE_NORMAL);
    assert_int_equal(policy->mode, MODE_OBSERVE);
}

static void later_files_win(void **state)
{
    cleanup(policy_freep) Policy *policy = FILES(
        LEAST "role: background\nmode: observe\nmemory_high: {mode: fixed, value: 1G}\n",
        "memory_high: {value: 2G, min: 1M}\nrole: critical\n",
        "memory_high: {value: 3G}\nmode: enforce\n");

    assert_int_equal(policy->role, ROLE_CRITICAL);
    assert_int_equal(policy->mode, MODE_ENFORCE);
    assert_true(policy->memory_high.value == 3 * GIB);
    assert_true(policy->memory_high.min == MIB);
    assert_int_equal(strv_length(policy->files), 3);
    assert_string_equal(policy->files[0], "p.yaml");
    assert_string_equal(policy->files[1], "10.yaml");
    assert_string_equal(policy->files[2], "20.yaml");
}

static void places_keep_their_file(void **state)
{
    cleanup(policy_freep)
        Policy *policy = FILES(LEAST "pin: {budget: 1M, files: [{path: /srv/a}]}\n",
                               "role: normal\n", "\nevict:\n- path: /srv/b\n");

    assert_int_equal(policy->pins[0].place.file, 0);
    assert_int_equal(policy->pins[0].place.line, 3);
    assert_int_equal(policy->evicts[0].place.file, 2);
    assert_int_equal(policy->evicts[0].place.line, 3);
    assert_int_equal(policy->evicts[0].place.column, 9);
}

/* Neither the version nor what is required: the whole must have it. */
static void any_file_may_have_what_is_required(void **state)
{
    cleanup(policy_freep)
        Policy *policy = FILES("match: {units: [a.service]}\npin: {files: [{path: /srv/a}]}\n",
                               "version: 1\npin: {budget: 1M}\n");

    assert_int_equal(policy->pin_budget, MIB);
}

static void mistakes_of_every_file_are_told(void **state)
{
    static const FilesCase cases[] = {
        { { LEAST "rolle: critical\n", "rolle: critical\n", "mode: x\npin: {budget: 1X}\n" },
          "p.yaml:3:1: unknown key \"rolle\" (did you mean \"role\"?)\n"
          "10.yaml:1:1: unknown key \"rolle\" (did you mean \"role\"?)\n"
          "20.yaml:1:7: unknown mode \"x\" (enforce or observe)\n"
          "20.yaml:2:15: \"1X\" is not a size: unknown unit \"X\" (K, M, G, T and % of RAM are "
          "known)\n" },
        { { LEAST, "role: critcal\n" },
          "10.yaml:1:7: unknown role \"critcal\" (did you mean \"critical\"?)\n" },
        /* What only the merged policy could tell is not yet judged. */
        { { LEAST "role: critcal\n", "memory_high: {mode: fixed}\n" },
          "p.yaml:3:7: unknown role \"critcal\" (did you mean \"critical\"?)\n" },
        { { LEAST, "evict: [{idle: 0s}]\n" },
          "10.yaml:1:16: \"0s\" is too short for \"idle\" (at least 1s)\n" },
        { { LEAST, "version: 2\n" },
          "10.yaml:1:10: \"2\" is no version that is known here (write version: 1)\n" },
        { { LEAST, "role: normal\nrole: critical\n" },
          "10.yaml:2:1: duplicate key \"role\" (it is on line 1 already)\n" },
    };

    CHECK_FILES_REFUSED(cases);
}

static void what_no_file_has_is_missing(void **state)
{
    static const FilesCase cases[] = {
        { { "version: 1\n", "role: normal\n" },
          "p.yaml:1:1: \"match\" is missing (for example match: {units: [\"nginx.service\"]})\n" },
        { { "match: {units: [a.service]}\n", "role: normal\n" },
          "p.yaml:1:1: \"version\" is missing (for example version: 1)\n" },
        { { LEAST, "\npin:\n  files: [{path: /srv/a}]\n" },
          "10.yaml:3:3: \"budget\" is missing in pin (for example budget: 512M)\n" },
        { { LEAST "pin: {budget: 1M}\n", "pin: {order: [listed]}\n" },
          "p.yaml:3:6: \"files\" is missing in pin (for example files: [{path: "
          "/srv/shop/index/*}])\n" },
        { { LEAST, "evict: [{idle: 2m}]\n" },
          "10.yaml:1:9: \"path\" is missing in evict (for example path: /var/log/shop/*)\n" },
        { { LEAST, "cache: {}\n" },
          "10.yaml:1:8: \"cache\" is empty (for example cache: {max: 2G})\n" },
    };

    CHECK_FILES_REFUSED(cases);
}

static void files_that_are_no_yaml(void **state)
{
    static const FilesCase cases[] = {
        { { LEAST, "role: [critical\n", "mode: x\n" },
          "10.yaml:1:7: \"role\" must be a single value, not a list (for example role: critical)\n"
          "10.yaml:2:1: not YAML: did not find expected ',' or ']', while parsing a flow sequence "
          "that began on line 1 (close it with ], and put an entry that has brackets, braces or "
          "commas in quotation marks)\n"
          "20.yaml:1:7: unknown mode \"x\" (enforce or observe)\n" },
        { { LEAST "role: [critical\n", "mode: x\n" },
          "p.yaml:3:7: \"role\" must be a single value, not a list (for example role: critical)\n"
          "p.yaml:4:1: not YAML: did not find expected ',' or ']', while parsing a flow sequence "
          "that began on line 3 (close it with ], and put an entry that has brackets, braces or "
          "commas in quotation marks)\n"
          "10.yaml:1:7: unknown mode \"x\" (enforce or observe)\n" },
        { { LEAST, "- role: critical\n" },
          "10.yaml:1:1: a policy must be a mapping, not a list (for example version: 1)\n" },
        { { LEAST, "critical\n" },
          "10.yaml:1:1: a policy must be a mapping, not a single value (for example version: "
          "1)\n" },
        { { "# " LEAST, "role: critical\n" },
          "p.yaml:2:1: \"version\" is missing (for example version: 1)\n" },
        { { LEAST, "role: critical\n---\nmode: observe\n" },
          "10.yaml:2:1: a second document begins here (one file is one document)\n" },
        { { LEAST, "role: &r critical\n" },
          "10.yaml:1:7: an anchor, \"r\": anchors are not allowed (put a value that begins with & "
          "in quotation marks)\n" },
        { { LEAST, "pin: [\n", "pin: {budget: *b}\n" },
          "10.yaml:1:6: \"pin\" must be a mapping, not a list (for example pin: {budget: 512M, "
          "files: [{path: /srv/shop/index/*}]})\n"
          "10.yaml:2:1: not YAML: did not find expected node content (a value is missing here)\n"
          "20.yaml:1:15: an alias, \"b\": aliases are not allowed (put a value that begins with * "
          "in quotation marks)\n" },
    };

    CHECK_FILES_REFUSED(cases);
}

/* The quota of globs is of the policy, not of each of its files. */
static void globs_are_counted_together(void **state)
{
    CLEANUP_FREE char *units = NULL, *evicts = NULL;
    size_t size;
    FILE *f = open_memstream(&units, &size);

    assert_non_null(f);
    fputs("version: 1\nmatch:\n  units:\n", f);
    for (unsigned i = 0; i < 6000; i++)
        fprintf(f, "  - u%u.service\n", i);
    fclose(f);
    f = open_memstream(&evicts, &size);
    assert_non_null(f);
    fputs("evict:\n", f);
    for (unsigned i = 0; i < 6000; i++)
        fprintf(f, "- path: /srv/%u\n", i);
    fclose(f);

    const FilesCase cases[] = {
        { { units, evicts },
          "10.yaml:4002:9: \"/srv/4000\" is too much: the globs of this policy stand for more than "
          "10000 (write fewer braces)\n" },
    };

    CHECK_FILES_REFUSED(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mappings_merge_key_by_key),
        cmocka_unit_test(lists_and_single_values_replace),
        cmocka_unit_test(keys_of_a_drop_in_alone),
        cmocka_unit_test(drop_ins_without_a_key),
        cmocka_unit_test(later_files_win),
        cmocka_unit_test(places_keep_their_file),
        cmocka_unit_test(any_file_may_have_what_is_required),
        cmocka_unit_test(mistakes_of_every_file_are_told),
        cmocka_unit_test(what_no_file_has_is_missing),
        cmocka_unit_test(files_that_are_no_yaml),
        cmocka_unit_test(globs_are_counted_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
