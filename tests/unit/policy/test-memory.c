/* SPDX-License-Identifier: MIT */
/* Every allocation of ours fails once: decoding answers -ENOMEM, touches nothing and leaks nothing
 * (which the build with AddressSanitizer sees). The linker wraps the allocators, see meson.build;
 * those that libyaml calls are its own affair. */
#include "policy/excerpt.h"
#include "policy/set.h"
#include "policy/show.h"
#include "unit/failing-text.h"
#include "unit/policy/decoding.h"

/* Lets the first, the second, … allocation of @decode fail until there are none left; @decode frees
 * what it made. Returns how many failed. */
static unsigned fail_each_of(int (*decode)(const Source *sources, size_t n_sources),
                             const char *const texts[FILES_MAX], int result)
{
    Source sources[FILES_MAX];
    size_t n_sources = make_sources(texts, sources);

    for (unsigned n = 1;; n++) {
        countdown = n;
        int r = decode(sources, n_sources);
        bool failed = countdown == 0;

        countdown = 0;
        if (!failed) {
            assert_int_equal(r, result);
            return n - 1;
        }
        assert_int_equal(r, -ENOMEM);
    }
}

static int decode_policy(const Source *sources, size_t n_sources)
{
    Diagnostics diagnostics = { 0 };
    Policy *policy = NULL;

    int r = policy_decode("p", sources, n_sources, RAM, &diagnostics, &policy);
    diagnostics_clear(&diagnostics);
    if (r < 0)
        assert_null(policy);
    policy_free(policy);
    return r;
}

static int decode_settings(const Source *sources, size_t n_sources)
{
    Diagnostics diagnostics = { 0 };
    Settings settings = { .interval_usec = 7 };

    int r = settings_decode(sources, n_sources, RAM, &diagnostics, &settings);
    diagnostics_clear(&diagnostics);
    if (r < 0)
        assert_int_equal(settings.interval_usec, 7);
    settings_clear(&settings);
    return r;
}

#define FAIL_EACH(decode, result, ...) \
    fail_each_of(decode, (const char *const[FILES_MAX]){ __VA_ARGS__ }, result)

static unsigned fail_each(const char *text, int result)
{
    return FAIL_EACH(decode_policy, result, text);
}

static void a_good_policy(void **state)
{
    static const char text[] =
        "version: 1\n"
        "description: x\n"
        "match: {units: [\"{a,b}.service\", c.slice]}\n"
        "role: background\n"
        "pin: {budget: 1M, files: [{path: /srv/a}, {path: \"/srv/{b,c}/**\"}]}\n"
        "evict: [{path: /srv/a}, {path: /srv/b}, {path: /srv/c}]\n"
        "memory_high: {mode: yield, min: 1M}\n";

    assert_true(fail_each(text, 0) > 30);
}

static void a_bad_policy(void **state)
{
    static const char text[] = "versoin: 1\n"
                               "description: \"\\e\"\n"
                               "match: {units: [a, \"{b\"], hosts: [x]}\n"
                               "role: critcal\n"
                               "mode: x\n"
                               "cache: &a {max: *m}\n"
                               "budget: 1M\n"
                               "pin: {budget: 1X, budget: 2, files: {}}\n"
                               "evict: [{path: /*, every: 30}, x, {path: /srv/..}, {idle: 2d},\n"
                               "  {path: \"/srv/[[:alhpa:]]\"}]\n"
                               "memory_high: {mode: yield, mode: track}\n"
                               "? []\n"
                               ": !x 1\n"
                               "x: [\n";

    assert_true(fail_each(text, -EBADMSG) > 50);
}

#define WHOLE                                                                                    \
    "version: 1\n"                                                                               \
    "description: x\n"                                                                           \
    "match: {units: [\"{a,b}.service\"], cgroups: [/a/b]}\n"                                     \
    "role: critical\n"                                                                           \
    "distress: {window: 2s, memory_pressure: 1%, io_pressure: 2%, refaults: 5/s,\n"              \
    "  major_faults: 5/s, stolen: 1M/s}\n"                                                       \
    "pin:\n"                                                                                     \
    "  budget: 1M\n"                                                                             \
    "  files:\n"                                                                                 \
    "  - {path: /srv/*, exclude: [\"*.{x,y}\", /srv/z], max_size: 1M, range: 1K-, lock: none}\n" \
    "  - mapped: [executables]\n"                                                                \
    "  order: [smallest]\n"                                                                      \
    "  charge: service\n"                                                                        \
    "  restore: true\n"                                                                          \
    "evict:\n"                                                                                   \
    "- {path: \"/srv/{a,b}\", when: [pressure], dirty: write-back, mapped: page-out,\n"          \
    "   keep: last 1M, rate: 1M/s}\n"                                                            \
    "- stream: true\n"                                                                           \
    "cache: {max: 1G}\n"                                                                         \
    "memory_high: {mode: track, max: 4G, pressure: 1%, reclaim: all}\n"                          \
    "advise: [{path: /srv/x, access: random}]\n"

/* With its notes, the warning of an overlap, and that of a limit without "min". */
static void the_whole_language(void **state)
{
    assert_true(fail_each(WHOLE, 0) > 200);
}

static void drop_ins(void **state)
{
    assert_true(FAIL_EACH(decode_policy, 0, WHOLE,
                          "memory_high: {min: 1M}\nevict: [{path: /srv/x}]\nrole: normal\n",
                          "match: {units: [c.service]}\ncache: {max: 2G}\nmode: observe\n") > 400);
}

static void drop_ins_with_mistakes(void **state)
{
    assert_true(FAIL_EACH(decode_policy, -EBADMSG, LEAST "role: x\n", "pin: {range: 0-8M}\n",
                          "- x\n") > 20);
    assert_true(FAIL_EACH(decode_policy, -EBADMSG, LEAST "memory_high: {mode: track, max: 1G}\n",
                          "memory_high: {min: 2G}\n", "distress: {window: 2s}\n") > 40);
}

static void bad_values_of_every_kind(void **state)
{
    static const char text[] = LEAST
        "distress: {window: 1, memory_pressure: 1, refaults: 1, stolen: 1, io_pressure: 0%}\n"
        "pin:\n"
        "  budget: 9G\n"
        "  files:\n"
        "  - {path: /srv/x, range: x, max_size: 0, lock: x, exclude: [\"*\", \"{\"]}\n"
        "  - {path: /srv/x, range: 1-1, mapped: [x, libraries, libraries]}\n"
        "  - {mapped: [libraries], range: 0-1}\n"
        "  order: [x, listed, listed]\n"
        "  charge: services\n"
        "  restore: yes\n"
        "evict:\n"
        "- {path: /srv/x, keep: x, rate: 1, stream: false, when: [x]}\n"
        "- {stream: true, idle: 2m}\n"
        "memory_high: {mode: fixed, min: 2G, max: 1G, value: 3G, pressure: 1%}\n";

    assert_true(fail_each(text, -EBADMSG) > 100);
}

static void the_settings(void **state)
{
    static const char whole[] = "version: 1\n"
                                "interval: 500ms\n"
                                "pin_budget: 3G\n"
                                "reserve: 1G\n"
                                "log_level: debug\n"
                                "metrics_file: /run/m.prom\n"
                                "refuse_network_filesystems: false\n"
                                "rotational_disks: observe\n";

    assert_true(FAIL_EACH(decode_settings, 0, whole) > 20);
    assert_true(FAIL_EACH(decode_settings, 0, whole, "metrics_file: /run/n.prom\n") > 40);
    assert_true(FAIL_EACH(decode_settings, -EBADMSG,
                          "interval: 1\nmetrics_file: /run/*\nlog_level: x\n",
                          "reserve: [\n") > 10);
}

static void more_mistakes_than_are_told(void **state)
{
    char text[120 * 5 + 1] = "";

    for (size_t i = 0; i < 120; i++)
        memcpy(text + i * 5, "x: 1\n", 5);
    assert_true(fail_each(text, -EBADMSG) > 200);
}

static void a_set(void **state)
{
    PolicySet set = { 0 };
    Policy *policy = decode_good(LEAST);

    countdown = 1;
    assert_int_equal(policy_set_add(&set, policy), -ENOMEM); /* which has freed it */
    assert_int_equal(set.n_policies, 0);
    policy_set_clear(&set);
}

static void a_copy_of_rules(void **state)
{
    char *excludes[] = { (char *)"a", (char *)"b", NULL };
    const PinRule rules[] = { { .path = (char *)"/a" },
                              { .path = (char *)"/b", .excludes = excludes } };
    PinRule *copy = NULL;

    for (unsigned n = 1; n <= 6; n++) {
        countdown = n;
        assert_int_equal(pin_rules_copy(rules, ELEMENTS(rules), &copy), -ENOMEM);
        assert_int_equal(countdown, 0);
        assert_null(copy);
    }
    assert_int_equal(pin_rules_copy(rules, ELEMENTS(rules), &copy), 0);
    pin_rules_free(copy, ELEMENTS(rules));
}

static void a_formatted_message(void **state)
{
    const Diagnostic diagnostic = { .message = (char *)"x" };
    const Source source = { .path = "f" };

    for (unsigned n = 1; n <= 2; n++) {
        countdown = n;
        assert_null(diagnostic_format(&diagnostic, &source));
        assert_int_equal(countdown, 0);
    }
}

static void what_is_shown(void **state)
{
    static const char text[] = "a: [b, {c: \"1\"}]\nd: {}\n";
    const Source source = { "f", text, strlen(text) };
    cleanup(node_freep) Node *tree = NULL;
    Diagnostics diagnostics = { 0 };
    char *shown = NULL;
    unsigned n = 0;

    assert_int_equal(document_read(&source, 0, &diagnostics, &tree), 0);
    while (!shown) {
        countdown = ++n;
        shown = show_document(tree, &source);
        assert_true((shown != NULL) == (countdown > 0));
    }
    countdown = 0;
    free(shown);
    assert_true(n > 20);

    for (size_t line = 0; line < 2; line++) {
        countdown = 1;
        assert_null(excerpt_format(&source, &(PolicyPlace){ 0, line, 1 }, true));
        assert_int_equal(countdown, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_policy),
        cmocka_unit_test(a_bad_policy),
        cmocka_unit_test(the_whole_language),
        cmocka_unit_test(drop_ins),
        cmocka_unit_test(drop_ins_with_mistakes),
        cmocka_unit_test(bad_values_of_every_kind),
        cmocka_unit_test(the_settings),
        cmocka_unit_test(more_mistakes_than_are_told),
        cmocka_unit_test(a_set),
        cmocka_unit_test(a_copy_of_rules),
        cmocka_unit_test(a_formatted_message),
        cmocka_unit_test(what_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
