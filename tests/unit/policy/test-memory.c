/* SPDX-License-Identifier: MIT */
/* Every allocation of ours fails once: decoding answers -ENOMEM, touches nothing and leaks nothing
 * (which the build with AddressSanitizer sees). The linker wraps the allocators, see meson.build;
 * those that libyaml calls are its own affair. */
#include "policy/excerpt.h"
#include "policy/set.h"
#include "policy/show.h"
#include "unit/failing-text.h"
#include "unit/policy/decoding.h"

/* Lets the first, the second, … allocation fail until there are none left. Returns how many failed.
 */
static unsigned fail_each(const char *text, int result)
{
    for (unsigned n = 1;; n++) {
        Diagnostics diagnostics = { 0 };
        Policy *policy = NULL;

        countdown = n;
        int r = decode_text(text, strlen(text), &diagnostics, &policy);
        bool failed = countdown == 0;
        countdown = 0;

        diagnostics_clear(&diagnostics);
        if (!failed) {
            assert_int_equal(r, result);
            policy_free(policy);
            return n - 1;
        }
        assert_int_equal(r, -ENOMEM);
        assert_null(policy);
    }
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
        cmocka_unit_test(more_mistakes_than_are_told),
        cmocka_unit_test(a_set),
        cmocka_unit_test(a_copy_of_rules),
        cmocka_unit_test(a_formatted_message),
        cmocka_unit_test(what_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
