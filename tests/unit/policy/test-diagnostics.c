/* SPDX-License-Identifier: MIT */
#include "policy/diagnostics.h"

#include <string.h>

#include "unit/test.h"

static void entries_are_in_the_order_of_their_places(void **state)
{
    static const struct {
        size_t line, column;
        const char *message;
    } found[] = {
        { 7, 2, "d" }, { 3, 9, "c" }, { 3, 1, "b" }, { 7, 2, "e" }, { 0, 0, "a" }, { 9, 1, "f" },
    };
    Diagnostics diagnostics = { 0 };
    char order[ELEMENTS(found) + 1] = "";

    for (size_t i = 0; i < ELEMENTS(found); i++)
        assert_int_equal(diagnostics_add(&diagnostics, SEVERITY_MISTAKE,
                                         (PolicyPlace){ 0, found[i].line, found[i].column }, "%s",
                                         found[i].message),
                         0);
    assert_int_equal(diagnostics.n_entries, ELEMENTS(found));
    for (size_t i = 0; i < ELEMENTS(found); i++)
        strcat(order, diagnostics.entries[i].message);
    assert_string_equal(order, "abcdef");
    diagnostics_clear(&diagnostics);
    assert_int_equal(diagnostics.n_entries, 0);
}

static void what_is_too_much_is_counted(void **state)
{
    Diagnostics diagnostics = { 0 };

    for (size_t i = 0; i < DIAGNOSTICS_MAX; i++)
        assert_int_equal(
            diagnostics_add(&diagnostics, SEVERITY_MISTAKE, (PolicyPlace){ 0, i + 1, 1 }, "x"), 0);
    assert_int_equal(diagnostics.n_entries, DIAGNOSTICS_MAX);
    assert_int_equal(diagnostics.n_more, 0);

    assert_int_equal(diagnostics_add(&diagnostics, SEVERITY_MISTAKE, (PolicyPlace){ 0, 1, 1 }, "x"),
                     0);
    assert_int_equal(diagnostics.n_entries, DIAGNOSTICS_MAX + 1);
    assert_string_equal(diagnostics.entries[DIAGNOSTICS_MAX].message,
                        "1 more finding is not shown");
    assert_int_equal(diagnostics_add(&diagnostics, SEVERITY_MISTAKE, (PolicyPlace){ 0, 1, 1 }, "x"),
                     0);
    assert_int_equal(
        diagnostics_add(&diagnostics, SEVERITY_MISTAKE, (PolicyPlace){ 0, 500, 1 }, "x"), 0);
    assert_int_equal(diagnostics.n_entries, DIAGNOSTICS_MAX + 1);
    assert_int_equal(diagnostics.n_more, 3);
    assert_int_equal(diagnostics.entries[DIAGNOSTICS_MAX].place.line, 0);
    assert_string_equal(diagnostics.entries[DIAGNOSTICS_MAX].message,
                        "3 more findings are not shown");
    diagnostics_clear(&diagnostics);
}

static void add(Diagnostics *diagnostics, Severity severity, size_t line)
{
    assert_int_equal(
        diagnostics_add(diagnostics, severity, (PolicyPlace){ 0, line, 1 }, "%zu", line), 0);
}

/* What matters is not counted away for what came before it. */
static void the_most_important_are_kept(void **state)
{
    Diagnostics diagnostics = { 0 };
    const Diagnostic *counted;

    for (size_t i = 0; i < DIAGNOSTICS_MAX - 1; i++)
        add(&diagnostics, SEVERITY_NOTE, i + 1);
    add(&diagnostics, SEVERITY_WARNING, 200);
    add(&diagnostics, SEVERITY_NOTE, 201);
    counted = &diagnostics.entries[DIAGNOSTICS_MAX];
    assert_int_equal(counted->severity, SEVERITY_NOTE);

    add(&diagnostics, SEVERITY_MISTAKE, 50);
    add(&diagnostics, SEVERITY_MISTAKE, 300);
    assert_int_equal(diagnostics.n_entries, DIAGNOSTICS_MAX + 1);
    assert_string_equal(diagnostics.entries[49].message, "50");
    assert_string_equal(diagnostics.entries[50].message, "50");
    assert_int_equal(diagnostics.entries[50].severity, SEVERITY_MISTAKE);
    assert_string_equal(diagnostics.entries[DIAGNOSTICS_MAX - 3].message, "97");
    assert_string_equal(diagnostics.entries[DIAGNOSTICS_MAX - 2].message, "200");
    assert_string_equal(diagnostics.entries[DIAGNOSTICS_MAX - 1].message, "300");
    assert_int_equal(counted->severity, SEVERITY_NOTE);
    assert_string_equal(counted->message, "3 more findings are not shown");

    for (size_t i = 0; i < DIAGNOSTICS_MAX; i++)
        add(&diagnostics, SEVERITY_MISTAKE, 400);
    assert_string_equal(diagnostics.entries[0].message, "50");
    assert_int_equal(diagnostics.entries[1].severity, SEVERITY_MISTAKE);
    assert_int_equal(counted->severity, SEVERITY_MISTAKE);
    assert_int_equal(diagnostics.n_of[SEVERITY_MISTAKE], DIAGNOSTICS_MAX + 2);
    diagnostics_clear(&diagnostics);
}

static void entries_are_formatted_as_compilers_do(void **state)
{
    Diagnostic entry = { .place = { 0, 7, 11 }, .message = (char *)"wrong (right)" };
    Source source = { .path = "/etc/p.yaml" };

    CLEANUP_FREE char *line = diagnostic_format(&entry, &source);
    assert_string_equal(line, "/etc/p.yaml:7:11: wrong (right)");

    entry.place = (PolicyPlace){ 0 };
    CLEANUP_FREE char *whole = diagnostic_format(&entry, &source);
    assert_string_equal(whole, "/etc/p.yaml: wrong (right)");

    entry.severity = SEVERITY_WARNING;
    CLEANUP_FREE char *warning = diagnostic_format(&entry, &source);
    assert_string_equal(warning, "/etc/p.yaml: warning: wrong (right)");

    entry.severity = SEVERITY_NOTE;
    source.path = "a\x1b[2J\nb\xff.yaml";
    CLEANUP_FREE char *harmless = diagnostic_format(&entry, &source);
    assert_string_equal(harmless, "a\\x1b[2J\\nb\\xff.yaml: note: wrong (right)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_in_the_order_of_their_places),
        cmocka_unit_test(what_is_too_much_is_counted),
        cmocka_unit_test(the_most_important_are_kept),
        cmocka_unit_test(entries_are_formatted_as_compilers_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
