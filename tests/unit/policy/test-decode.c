/* SPDX-License-Identifier: MIT */
/* What good policies decode to: every key, and what holds without it. */
#include "policy/decode.h"

#include <string.h>

#include "unit/policy/decoding.h"
#include "unit/test.h"
#include "util/strv.h"

static void the_least_policy_has_the_defaults(void **state)
{
    cleanup(policy_freep) Policy *policy = decode_good(LEAST);

    assert_string_equal(policy->name, "p");
    assert_int_equal(strv_length(policy->files), 1);
    assert_string_equal(policy->files[0], "/etc/p.yaml");
    assert_null(policy->description);
    assert_int_equal(strv_length(policy->units), 1);
    assert_string_equal(policy->units[0], "a.service");
    assert_int_equal(policy->role, ROLE_NORMAL);
    assert_int_equal(policy->mode, MODE_ENFORCE);
    assert_int_equal(policy->pin_budget, 0);
    assert_int_equal(policy->n_pins, 0);
    assert_int_equal(policy->n_evicts, 0);
    assert_int_equal(policy->memory_high.mode, LIMIT_OFF);
    assert_int_equal(policy->memory_high.value, 0);
    assert_int_equal(policy->memory_high.min, 0);
}

static void every_key_is_decoded(void **state)
{
    cleanup(policy_freep)
        Policy *policy = decode_good("version: 1\n"
                                     "description: the shop's index\n"
                                     "match:\n"
                                     "  units: [\"shop@*.service\", shop-cache.service]\n"
                                     "role: critical\n"
                                     "mode: observe\n"
                                     "pin:\n"
                                     "  budget: 512M\n"
                                     "  files:\n"
                                     "    - path: /srv/shop/index/*\n"
                                     "    - path: /srv/shop/index/**/{a,b}.idx\n"
                                     "evict:\n"
                                     "  - path: /srv/shop/wal/*\n"
                                     "    idle: 5m\n"
                                     "    every: 10s\n"
                                     "  - path: /var/log/shop/*\n"
                                     "memory_high:\n"
                                     "  mode: fixed\n"
                                     "  value: 2G\n");

    assert_string_equal(policy->description, "the shop's index");
    assert_int_equal(strv_length(policy->units), 2);
    assert_string_equal(policy->units[0], "shop@*.service");
    assert_string_equal(policy->units[1], "shop-cache.service");
    assert_int_equal(policy->role, ROLE_CRITICAL);
    assert_int_equal(policy->mode, MODE_OBSERVE);

    assert_int_equal(policy->pin_budget, 512 * MIB);
    assert_int_equal(policy->n_pins, 2);
    assert_string_equal(policy->pins[0].path, "/srv/shop/index/*");
    assert_int_equal(policy->pins[0].place.line, 10);
    assert_int_equal(policy->pins[0].place.column, 13);
    assert_string_equal(policy->pins[1].path, "/srv/shop/index/**/{a,b}.idx");

    assert_int_equal(policy->n_evicts, 2);
    assert_string_equal(policy->evicts[0].path, "/srv/shop/wal/*");
    assert_int_equal(policy->evicts[0].idle_usec, 300 * USEC_PER_SEC);
    assert_int_equal(policy->evicts[0].every_usec, 10 * USEC_PER_SEC);
    assert_int_equal(policy->evicts[1].idle_usec, EVICT_IDLE_DEFAULT_USEC);
    assert_int_equal(policy->evicts[1].every_usec, EVICT_EVERY_DEFAULT_USEC);
    assert_int_equal(policy->evicts[1].place.line, 16);

    assert_int_equal(policy->memory_high.mode, LIMIT_FIXED);
    assert_int_equal(policy->memory_high.value, 2 * GIB);
}

static void yield_of_a_background_service(void **state)
{
    /* The role may stand behind what depends on it. */
    cleanup(policy_freep) Policy *policy = decode_good(
        LEAST "memory_high: {min: 10%, mode: yield}\nrole: background\n");

    assert_int_equal(policy->role, ROLE_BACKGROUND);
    assert_int_equal(policy->memory_high.mode, LIMIT_YIELD);
    assert_int_equal(policy->memory_high.min, RAM / 10);
}

static void words_of_the_enums(void **state)
{
    static const struct {
        const char *text;
        PolicyRole role;
        PolicyMode mode;
        LimitMode limit;
    } cases[] = {
        { "role: normal\n", ROLE_NORMAL, MODE_ENFORCE, LIMIT_OFF },
        { "role: critical\n", ROLE_CRITICAL, MODE_ENFORCE, LIMIT_OFF },
        { "role: background\n", ROLE_BACKGROUND, MODE_ENFORCE, LIMIT_OFF },
        { "mode: enforce\n", ROLE_NORMAL, MODE_ENFORCE, LIMIT_OFF },
        { "mode: \"observe\"\n", ROLE_NORMAL, MODE_OBSERVE, LIMIT_OFF },
        { "memory_high: {mode: off}\n", ROLE_NORMAL, MODE_ENFORCE, LIMIT_OFF },
        { "memory_high: {mode: 'off'}\n", ROLE_NORMAL, MODE_ENFORCE, LIMIT_OFF },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP_FREE char *text = NULL;
        assert_true(asprintf(&text, LEAST "%s", cases[i].text) > 0);
        cleanup(policy_freep) Policy *policy = decode_good(text);

        assert_int_equal(policy->role, cases[i].role);
        assert_int_equal(policy->mode, cases[i].mode);
        assert_int_equal(policy->memory_high.mode, cases[i].limit);
    }
}

static void enums_are_written_as_they_are_read(void **state)
{
    assert_string_equal(policy_role_to_string(ROLE_NORMAL), "normal");
    assert_string_equal(policy_role_to_string(ROLE_CRITICAL), "critical");
    assert_string_equal(policy_role_to_string(ROLE_BACKGROUND), "background");
    assert_string_equal(policy_mode_to_string(MODE_ENFORCE), "enforce");
    assert_string_equal(policy_mode_to_string(MODE_OBSERVE), "observe");
    assert_string_equal(limit_mode_to_string(LIMIT_OFF), "off");
    assert_string_equal(limit_mode_to_string(LIMIT_FIXED), "fixed");
    assert_string_equal(limit_mode_to_string(LIMIT_YIELD), "yield");
}

/* What YAML allows and what people write. */
static void forms_of_yaml(void **state)
{
    static const char *const texts[] = {
        LEAST,
        "\xef\xbb\xbf" LEAST, /* saved by an editor that marks UTF-8 */
        "version: 1\r\nmatch: {units: [a.service]}\r\n",
        "# a comment\n---\n" LEAST "...\n",
        "%YAML 1.1\n---\n" LEAST,
        "{\"version\": \"1\", \"match\": {\"units\": [\"a.service\"]}}",
        "'version': '1'\n\"match\":\n    units:\n    - a.service\n",
        "? version\n: 1\nmatch: {units: [a.service]}\n",
        "version: 1 # of the language\nmatch: {units: [a.service,]}",
    };

    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        cleanup(policy_freep) Policy *policy = decode_good(texts[i]);
        assert_string_equal(policy->units[0], "a.service");
    }
}

static void descriptions(void **state)
{
    static const struct {
        const char *text;
        const char *description;
    } cases[] = {
        { "description: null and void\n", "null and void" },
        { "description: \"~\"\n", "~" },
        { "description: >\n  two lines\n  made one\n", "two lines made one" },
        { "description: |\n  one line\n", "one line" },
        { "description: Für Straße und Größe\n", "Für Straße und Größe" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP_FREE char *text = NULL;
        assert_true(asprintf(&text, LEAST "%s", cases[i].text) > 0);
        cleanup(policy_freep) Policy *policy = decode_good(text);
        assert_string_equal(policy->description, cases[i].description);
    }
}

static void braces_of_unit_globs_are_expanded(void **state)
{
    cleanup(policy_freep) Policy *policy = decode_good(
        "version: 1\nmatch: {units: [\"{nginx,php{7,8}-fpm}.service\", \"web*\"]}\n");

    assert_int_equal(strv_length(policy->units), 4);
    assert_string_equal(policy->units[0], "nginx.service");
    assert_string_equal(policy->units[1], "php7-fpm.service");
    assert_string_equal(policy->units[2], "php8-fpm.service");
    assert_string_equal(policy->units[3], "web*");
}

static void good_unit_globs(void **state)
{
    static const char *const globs[] = {
        "nginx.service",
        "postgresql@*.service",
        "postgresql@15-main.service",
        "session-*.scope",
        "user.slice",
        "system-*.slice",
        "cups.socket",
        "srv-data.mount",
        "dev-sda2.swap",
        "nginx*",
        "nginx.*",
        "a.serv[i]ce",
        "worker-?",
        "worker-[0-9]",
        "*.service",
        "srv-my\\\\x2ddata.mount",
        "a:b_c.service",
    };

    for (size_t i = 0; i < ELEMENTS(globs); i++) {
        CLEANUP_FREE char *text = NULL;
        assert_true(asprintf(&text, "version: 1\nmatch: {units: ['%s']}\n", globs[i]) > 0);
        cleanup(policy_freep) Policy *policy = decode_good(text);
        assert_string_equal(policy->units[0], globs[i]);
    }
}

static void good_paths(void **state)
{
    static const char *const paths[] = {
        "/srv/**",     "/srv/*",   "/srv/a b/c", "/srv/[[:digit:]]*", "/srv/[!]a]x",
        "/srv/{a,b}",  "/vmlinuz", "/srv/...",   "/srv/.hidden/..x",  "/srv/\\[x",
        "/srv/**/x/*", "/srv/\\{", "/\\*srv/x",  "/srv/Größe/*",
    };

    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        CLEANUP_FREE char *text = NULL;
        assert_true(asprintf(&text, LEAST "evict:\n- path: '%s'\n", paths[i]) > 0);
        cleanup(policy_freep) Policy *policy = decode_good(text);
        assert_string_equal(policy->evicts[0].path, paths[i]);
    }
}

static void limits_of_values_are_inclusive(void **state)
{
    cleanup(policy_freep)
        Policy *policy = decode_good(LEAST "evict:\n"
                                           "- {path: /srv/a, idle: 1s, every: 1000ms}\n"
                                           "- {path: /srv/b, idle: 30d, every: 24h}\n"
                                           "pin: {budget: 100%, files: [{path: /srv/c}]}\n"
                                           "memory_high: {mode: fixed, value: 8G}\n");

    assert_int_equal(policy->evicts[0].idle_usec, USEC_PER_SEC);
    assert_int_equal(policy->evicts[0].every_usec, USEC_PER_SEC);
    assert_true(policy->evicts[1].idle_usec == 30 * 24 * 3600 * USEC_PER_SEC);
    assert_true(policy->evicts[1].every_usec == 24 * 3600 * USEC_PER_SEC);
    assert_true(policy->pin_budget == RAM);
    assert_true(policy->memory_high.value == RAM);
}

/* Lists grow; nothing of an entry is lost or mixed up on the way. */
static void a_thousand_rules(void **state)
{
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);

    fputs(LEAST "evict:\n", f);
    for (unsigned i = 0; i < 1000; i++)
        fprintf(f, "- {path: /srv/%u, idle: %us}\n", i, i + 1);
    fclose(f);

    cleanup(policy_freep) Policy *policy = decode_good(text);
    assert_int_equal(policy->n_evicts, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/srv/%u", i);
        assert_string_equal(policy->evicts[i].path, path);
        assert_int_equal(policy->evicts[i].idle_usec, (i + 1) * USEC_PER_SEC);
        assert_int_equal(policy->evicts[i].place.line, 4 + i);
    }
}

/* How many warnings there are of a file that is pinned and evicted, behind @n_excludes that take
 * long to hold against the name of another. */
static size_t warnings_behind_excludes(size_t n_excludes)
{
    Diagnostics diagnostics = { 0 };
    cleanup(policy_freep) Policy *policy = NULL;
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);

    fputs(LEAST "pin:\n  budget: 1G\n  files:\n  - path: /b/*\n    exclude:\n", f);
    for (size_t i = 0; i < n_excludes; i++)
        fprintf(f, "    - '%0200d*x'\n", 0);
    fputs("  - path: /c/*\nevict:\n", f);
    fprintf(f, "- path: /a/%0200d\n- path: /c/d\n", 0);
    fclose(f);

    assert_int_equal(decode_text(text, size, &diagnostics, &policy), 0);
    size_t n = diagnostics.n_of[SEVERITY_WARNING];
    diagnostics_clear(&diagnostics);
    return n;
}

static void excludes_take_of_the_time_for_globs(void **state)
{
    assert_int_equal(warnings_behind_excludes(10), 1);
    assert_int_equal(warnings_behind_excludes(1000), 0);
}

static void the_result_is_untouched_on_failure(void **state)
{
    Diagnostics diagnostics = { 0 };
    Policy *const mark = (Policy *)&diagnostics;
    Policy *policy = mark;

    assert_int_equal(decode_text("x", 1, &diagnostics, &policy), -EBADMSG);
    assert_ptr_equal(policy, mark);
    assert_int_equal(diagnostics.n_entries, 1);
    diagnostics_clear(&diagnostics);
}

/* What a caller has found before is kept, and does not make a good file bad. */
static void diagnostics_of_before_do_not_count(void **state)
{
    Diagnostics diagnostics = { 0 };
    cleanup(policy_freep) Policy *policy = NULL;

    assert_int_equal(diagnostics_add(&diagnostics, SEVERITY_MISTAKE, (PolicyPlace){ 0 }, "before"),
                     0);
    assert_int_equal(decode_text(LEAST, strlen(LEAST), &diagnostics, &policy), 0);
    assert_int_equal(diagnostics.n_entries, 1);
    diagnostics_clear(&diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_policy_has_the_defaults),
        cmocka_unit_test(every_key_is_decoded),
        cmocka_unit_test(yield_of_a_background_service),
        cmocka_unit_test(words_of_the_enums),
        cmocka_unit_test(enums_are_written_as_they_are_read),
        cmocka_unit_test(forms_of_yaml),
        cmocka_unit_test(descriptions),
        cmocka_unit_test(braces_of_unit_globs_are_expanded),
        cmocka_unit_test(good_unit_globs),
        cmocka_unit_test(good_paths),
        cmocka_unit_test(limits_of_values_are_inclusive),
        cmocka_unit_test(a_thousand_rules),
        cmocka_unit_test(excludes_take_of_the_time_for_globs),
        cmocka_unit_test(the_result_is_untouched_on_failure),
        cmocka_unit_test(diagnostics_of_before_do_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
