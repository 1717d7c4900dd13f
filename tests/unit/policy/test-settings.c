/* SPDX-License-Identifier: MIT */
/* pagewarden.yaml and its drop-ins: every key, what holds without it, and every refusal. */
#include <syslog.h>

#include "unit/policy/decoding.h"

static void decode_good_files(const char *const texts[FILES_MAX], Settings *ret)
{
    Diagnostics diagnostics = { 0 };
    Source sources[FILES_MAX];

    size_t n = make_sources(texts, sources);
    int r = settings_decode(sources, n, RAM, &diagnostics, ret);
    CLEANUP_FREE char *found = format_messages(&diagnostics, sources);
    diagnostics_clear(&diagnostics);
    assert_string_equal(found, "");
    assert_int_equal(r, 0);
}

#define FILES(ret, ...) decode_good_files((const char *const[FILES_MAX]){ __VA_ARGS__ }, ret)

static void assert_defaults(const Settings *settings)
{
    assert_int_equal(settings->interval_usec, USEC_PER_SEC);
    assert_true(settings->pin_budget == RAM / 2);
    assert_true(settings->reserve == RAM / 10);
    assert_int_equal(settings->restore_rate, 200 * MIB);
    assert_int_equal(settings->restore_usec, 10 * USEC_PER_SEC);
    assert_int_equal(settings->log_level, LOG_LEVEL_INFO);
    assert_null(settings->metrics_file);
    assert_true(settings->refuse_network_filesystems);
    assert_int_equal(settings->rotational_disks, ROTATIONAL_OBSERVE);
}

static void defaults(void **state)
{
    Settings settings;

    FILES(&settings, NULL);
    assert_defaults(&settings);
    settings_clear(&settings);
    FILES(&settings, "version: 1\n");
    assert_defaults(&settings);
    settings_clear(&settings);
    FILES(&settings, "# interval: 5s\n");
    assert_defaults(&settings);
    settings_clear(&settings);
    FILES(&settings, "# interval: 5s\n", "# interval: 6s\n", "");
    assert_defaults(&settings);
    settings_clear(&settings);
}

static void every_key(void **state)
{
    Settings settings;

    FILES(&settings, "version: 1\n"
                     "interval: 500ms\n"
                     "pin_budget: 3G\n"
                     "reserve: 512M\n"
                     "restore_rate: 50M/s\n"
                     "restore_time: 30s\n"
                     "log_level: debug\n"
                     "refuse_network_filesystems: false\n"
                     "rotational_disks: enforce\n");
    assert_int_equal(settings.interval_usec, 500 * USEC_PER_MSEC);
    assert_true(settings.pin_budget == 3 * GIB);
    assert_int_equal(settings.reserve, 512 * MIB);
    assert_int_equal(settings.restore_rate, 50 * MIB);
    assert_int_equal(settings.restore_usec, 30 * USEC_PER_SEC);
    assert_int_equal(settings.log_level, LOG_LEVEL_DEBUG);
    assert_false(settings.refuse_network_filesystems);
    assert_int_equal(settings.rotational_disks, ROTATIONAL_ENFORCE);
    settings_clear(&settings);
}

static void limits_are_inclusive(void **state)
{
    Settings settings;

    FILES(&settings, "interval: 200ms\npin_budget: 100%\nreserve: 1\n");
    assert_int_equal(settings.interval_usec, 200 * USEC_PER_MSEC);
    assert_true(settings.pin_budget == RAM);
    assert_int_equal(settings.reserve, 1);
    settings_clear(&settings);
    FILES(&settings, "interval: 1m\n");
    assert_int_equal(settings.interval_usec, 60 * USEC_PER_SEC);
    settings_clear(&settings);
}

static void log_levels(void **state)
{
    static const struct {
        const char *text;
        int priority;
    } cases[] = {
        { "log_level: error\n", LOG_ERR },     { "log_level: warning\n", LOG_WARNING },
        { "log_level: notice\n", LOG_NOTICE }, { "log_level: info\n", LOG_INFO },
        { "log_level: debug\n", LOG_DEBUG },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        Settings settings;

        FILES(&settings, cases[i].text);
        assert_int_equal(log_level_to_syslog(settings.log_level), cases[i].priority);
        settings_clear(&settings);
    }
}

/* Drop-ins alone will do: the defaults need no file. */
static void drop_ins(void **state)
{
    Settings settings;

    FILES(&settings, "interval: 2s\nreserve: 1G\n", "interval: 3s\n", "log_level: error\n");
    assert_int_equal(settings.interval_usec, 3 * USEC_PER_SEC);
    assert_true(settings.reserve == GIB);
    assert_int_equal(settings.log_level, LOG_LEVEL_ERROR);
    assert_true(settings.pin_budget == RAM / 2);
    settings_clear(&settings);
}

static void check(const FilesCase cases[], size_t n, int result)
{
    for (size_t i = 0; i < n; i++) {
        Diagnostics diagnostics = { 0 };
        Source sources[FILES_MAX];
        Settings settings = { 0 };

        size_t n_sources = make_sources(cases[i].texts, sources);
        int r = settings_decode(sources, n_sources, RAM, &diagnostics, &settings);
        CLEANUP_FREE char *found = format_messages(&diagnostics, sources);
        diagnostics_clear(&diagnostics);
        settings_clear(&settings);
        assert_string_equal(found, cases[i].expected);
        assert_int_equal(r, result);
    }
}

static void check_refused(const FilesCase cases[], size_t n)
{
    check(cases, n, -EBADMSG);
}

static void check_remarked(const FilesCase cases[], size_t n)
{
    check(cases, n, 0);
}

static void keys(void **state)
{
    static const FilesCase cases[] = {
        { { "intervall: 1s\n" },
          "p.yaml:1:1: unknown key \"intervall\" (did you mean \"interval\"?)\n" },
        { { "budget: 1G\n" }, "p.yaml:1:1: unknown key \"budget\" (it belongs in a policy)\n" },
        { { "pin: {budget: 1G}\n" }, "p.yaml:1:1: unknown key \"pin\" (it belongs in a policy)\n" },
        { { "role: critical\n" }, "p.yaml:1:1: unknown key \"role\" (it belongs in a policy)\n" },
        { { "log: debug\n" },
          "p.yaml:1:1: unknown key \"log\" (known here: version, interval, pin_budget, reserve, "
          "restore_rate, restore_time, log_level, metrics_file, refuse_network_filesystems, "
          "rotational_disks)\n" },
        { { "interval:1s\n" },
          "p.yaml:1:1: unknown key \"interval:1s\" (a space is missing behind the colon)\n" },
        { { "interval: 1s\nlog_level: info\ninterval: 2s\n" },
          "p.yaml:3:1: duplicate key \"interval\" (it is on line 1 already)\n" },
        { { "- interval: 1s\n" },
          "p.yaml:1:1: the settings file must be a mapping, not a list (for example interval: "
          "1s)\n" },
        { { "{}\n" }, "p.yaml:1:1: the settings file is empty (for example interval: 1s)\n" },
        { { "version: 2\n" },
          "p.yaml:1:10: \"2\" is no version that is known here (write version: 1)\n" },
    };

    check_refused(cases, ELEMENTS(cases));
}

static void intervals(void **state)
{
    static const FilesCase cases[] = {
        { { "interval: 1\n" },
          "p.yaml:1:11: \"1\" is not a duration: its unit is missing (write 1s; ms, s, m, h and d "
          "are known)\n" },
        { { "interval: 199ms\n" },
          "p.yaml:1:11: \"199ms\" is too short for \"interval\" (at least 200ms)\n" },
        { { "interval: 61s\n" },
          "p.yaml:1:11: \"61s\" is too long for \"interval\" (at most 1m)\n" },
        { { "interval: 1h\n" }, "p.yaml:1:11: \"1h\" is too long for \"interval\" (at most 1m)\n" },
        { { "interval: 1sec\n" },
          "p.yaml:1:11: \"1sec\" is not a duration: unknown unit \"sec\" (write 1s; ms, s, m, h "
          "and d are known)\n" },
        { { "interval: fast\n" },
          "p.yaml:1:11: \"fast\" is not a duration (write 30s, 10m or 1h; ms, s, m, h and d are "
          "known)\n" },
    };

    check_refused(cases, ELEMENTS(cases));
}

static void amounts_of_memory(void **state)
{
    static const FilesCase cases[] = {
        { { "pin_budget: 9G\n" },
          "p.yaml:1:13: \"9G\" is more than this machine's RAM, 8G (a share fits every machine: "
          "10%)\n" },
        { { "pin_budget: 0\n" },
          "p.yaml:1:13: \"pin_budget\" must be more than 0, not \"0\" (for example pin_budget: "
          "50%)\n" },
        { { "pin_budget: 101%\n" },
          "p.yaml:1:13: \"101%\" is more than all of RAM (at most 100%)\n" },
        { { "pin_budget: 4GB\n" },
          "p.yaml:1:13: \"4GB\" is not a size: unknown unit \"GB\" (write 4G; K, M, G, T and % of "
          "RAM are known)\n" },
        { { "pin_budget: unlimited\n" },
          "p.yaml:1:13: \"unlimited\" is not a size (write 512M, 2G or 10%; K, M, G, T and % of "
          "RAM are known)\n" },
        { { "reserve: 9G\n" },
          "p.yaml:1:10: \"9G\" is more than this machine's RAM, 8G (a share fits every machine: "
          "10%)\n" },
        { { "reserve: 0%\n" },
          "p.yaml:1:10: \"reserve\" must be more than 0, not \"0%\" (for example reserve: 10%)\n" },
        { { "reserve: -1G\n" }, "p.yaml:1:10: \"-1G\" is negative (for example 512M)\n" },
        { { "reserve: 10 %\n" },
          "p.yaml:1:10: \"10 %\" is not a size: unknown unit \" %\" (write 10%; K, M, G, T and % "
          "of RAM are known)\n" },
    };

    check_refused(cases, ELEMENTS(cases));
}

static void words(void **state)
{
    static const FilesCase cases[] = {
        { { "log_level: warn\n" },
          "p.yaml:1:12: unknown log_level \"warn\" (did you mean \"warning\"?)\n" },
        { { "log_level: verbose\n" },
          "p.yaml:1:12: unknown log_level \"verbose\" (error, warning, notice, info or debug)\n" },
        { { "log_level: Debug\n" },
          "p.yaml:1:12: unknown log_level \"Debug\" (did you mean \"debug\"?)\n" },
        { { "log_level: 7\n" },
          "p.yaml:1:12: unknown log_level \"7\" (error, warning, notice, info or debug)\n" },
        { { "rotational_disks: observed\n" },
          "p.yaml:1:19: unknown rotational_disks \"observed\" (did you mean \"observe\"?)\n" },
        { { "rotational_disks: \"off\"\n" },
          "p.yaml:1:19: unknown rotational_disks \"off\" (observe or enforce)\n" },
        { { "refuse_network_filesystems: no\n" },
          "p.yaml:1:29: \"refuse_network_filesystems\" is true or false, not \"no\" (write "
          "refuse_network_filesystems: false)\n" },
        { { "refuse_network_filesystems: 1\n" },
          "p.yaml:1:29: \"refuse_network_filesystems\" is true or false, not \"1\" (write "
          "refuse_network_filesystems: true)\n" },
        { { "refuse_network_filesystems: flase\n" },
          "p.yaml:1:29: unknown refuse_network_filesystems \"flase\" (did you mean \"false\"?)\n" },
        { { "refuse_network_filesystems: nfs\n" },
          "p.yaml:1:29: unknown refuse_network_filesystems \"nfs\" (false or true)\n" },
    };

    check_refused(cases, ELEMENTS(cases));
}

static void metrics_files(void **state)
{
    static const FilesCase cases[] = {
        { { "metrics_file: metrics.prom\n" },
          "p.yaml:1:15: \"metrics.prom\" is a relative path (write it in full, from / on)\n" },
        { { "metrics_file: ./metrics.prom\n" },
          "p.yaml:1:15: \"./metrics.prom\" is a relative path (write it in full, from / on)\n" },
        { { "metrics_file: \"/run/*.prom\"\n" },
          "p.yaml:1:15: \"/run/*.prom\" is a glob (write one path)\n" },
        { { "metrics_file: \"/run/{a,b}.prom\"\n" },
          "p.yaml:1:15: \"/run/{a,b}.prom\" is a glob (write one path)\n" },
        { { "metrics_file: /run/pagewarden/\n" },
          "p.yaml:1:15: \"/run/pagewarden/\" is a folder (write the path of a file in it)\n" },
        { { "metrics_file: /run/../etc/x\n" },
          "p.yaml:1:15: \"/run/../etc/x\" has a \"..\" component (write the path without it)\n" },
        { { "metrics_file: \"/run/a\\nb\"\n" },
          "p.yaml:1:15: \"/run/a\\n"
          "b\" has a control character in it (leave it out, or write ?)\n" },
        { { "metrics_file: /\n" },
          "p.yaml:1:15: \"/\" is a folder (write the path of a file in it)\n" },
        { { "metrics_file: false\n" },
          "p.yaml:1:15: \"false\" is a relative path (write it in full, from / on)\n" },
    };

    check_refused(cases, ELEMENTS(cases));
}

static void mistakes_of_every_file_are_told(void **state)
{
    static const FilesCase cases[] = {
        { { "intervall: 1s\n", "log_level: x\n", "reserve: 9G\n" },
          "p.yaml:1:1: unknown key \"intervall\" (did you mean \"interval\"?)\n"
          "10.yaml:1:12: unknown log_level \"x\" (error, warning, notice, info or debug)\n"
          "20.yaml:1:10: \"9G\" is more than this machine's RAM, 8G (a share fits every machine: "
          "10%)\n" },
        { { "interval: 1s\n", "- x\n" },
          "10.yaml:1:1: the settings file must be a mapping, not a list (for example interval: "
          "1s)\n" },
        { { "interval: 1s\n", "role: [\n" },
          "10.yaml:1:1: unknown key \"role\" (it belongs in a policy)\n"
          "10.yaml:2:1: not YAML: did not find expected node content (a value is missing here)\n" },
    };

    check_refused(cases, ELEMENTS(cases));
}

static void what_is_not_acted_on_is_told(void **state)
{
    static const FilesCase cases[] = {
        { { "metrics_file: /run/pagewarden/metrics.prom\n" },
          "p.yaml:1:1: note: \"metrics_file\" is not acted on by this version (it has no "
          "effect)\n" },
        { { "interval: 1s\n", "metrics_file: /run/pagewarden/metrics.prom\n" },
          "10.yaml:1:1: note: \"metrics_file\" is not acted on by this version (it has no "
          "effect)\n" },
        { { "rotational_disks: observe\n", "rotational_disks: enforce\n" }, "" },
    };

    check_remarked(cases, ELEMENTS(cases));
}

static void the_metrics_file_is_kept(void **state)
{
    static const char text[] = "metrics_file: /run/m.prom\n";
    const Source source = { "p.yaml", text, strlen(text) };
    Diagnostics diagnostics = { 0 };
    Settings settings;

    assert_int_equal(settings_decode(&source, 1, RAM, &diagnostics, &settings), 0);
    diagnostics_clear(&diagnostics);
    assert_string_equal(settings.metrics_file, "/run/m.prom");
    settings_clear(&settings);
    assert_null(settings.metrics_file);
}

static void the_result_is_untouched_on_failure(void **state)
{
    static const char text[] = "interval: 2s\nreserve: x\n";
    const Source source = { "p.yaml", text, strlen(text) };
    Diagnostics diagnostics = { 0 };
    Settings settings = { .interval_usec = 7 };

    assert_int_equal(settings_decode(&source, 1, RAM, &diagnostics, &settings), -EBADMSG);
    diagnostics_clear(&diagnostics);
    assert_int_equal(settings.interval_usec, 7);
    assert_int_equal(settings.reserve, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_key),
        cmocka_unit_test(limits_are_inclusive),
        cmocka_unit_test(log_levels),
        cmocka_unit_test(drop_ins),
        cmocka_unit_test(keys),
        cmocka_unit_test(intervals),
        cmocka_unit_test(amounts_of_memory),
        cmocka_unit_test(words),
        cmocka_unit_test(metrics_files),
        cmocka_unit_test(mistakes_of_every_file_are_told),
        cmocka_unit_test(what_is_not_acted_on_is_told),
        cmocka_unit_test(the_metrics_file_is_kept),
        cmocka_unit_test(the_result_is_untouched_on_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
