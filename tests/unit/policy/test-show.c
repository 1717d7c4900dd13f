/* SPDX-License-Identifier: MIT */
/* What is shown says the same as what was read, and where from. */
#include "policy/show.h"

#include <fcntl.h>
#include <locale.h>

#include "unit/policy/decoding.h"
#include "unit/policy/trees.h"
#include "util/io.h"

static Node *read_tree(const Source *sources, size_t n_sources)
{
    Diagnostics diagnostics = { 0 };
    Node *tree = NULL;

    int r = document_read_merged(sources, n_sources, &diagnostics, &tree);
    CLEANUP_FREE char *found = join_messages(&diagnostics);
    diagnostics_clear(&diagnostics);
    assert_string_equal(found, "");
    assert_int_equal(r, 0);
    return tree;
}

/* What is shown of @sources, to be freed; it reads back as the same tree. */
static char *show(const Source *sources, size_t n_sources)
{
    cleanup(node_freep) Node *tree = read_tree(sources, n_sources);
    char *text = show_document(tree, sources);
    assert_non_null(text);

    cleanup(node_freep) Node *again = read_tree(&(Source){ "again", text, strlen(text) }, 1);
    if (!same_tree(tree, again))
        fail_msg("reads back as something else:\n%s", text);
    return text;
}

static void check(const char *text, const char *expected)
{
    CLEANUP_FREE char *shown = show(&(Source){ "f", text, strlen(text) }, 1);

    assert_string_equal(shown, expected);
}

static void drop_ins_are_merged(void **state)
{
    static const char policy[] = "version: 1\n"
                                 "match: {units: [a.service, b.service]}\n"
                                 "pin: {budget: 1M, files: [{path: /srv/a}]}\n";
    static const char dropin[] = "version: 1\n"
                                 "pin:\n"
                                 "  budget: 2M\n"
                                 "mode: observe\n";
    const Source sources[] = {
        { "/etc/p.yaml", policy, strlen(policy) },
        { "/run/p.yaml.d/x.yaml", dropin, strlen(dropin) },
    };
    CLEANUP_FREE char *shown = show(sources, 2);

    assert_string_equal(shown, "version: 1          # /run/p.yaml.d/x.yaml:1\n"
                               "match:              # /etc/p.yaml:2\n"
                               "  units:            # /etc/p.yaml:2\n"
                               "    - a.service     # /etc/p.yaml:2\n"
                               "    - b.service     # /etc/p.yaml:2\n"
                               "pin:                # /etc/p.yaml:3\n"
                               "  budget: 2M        # /run/p.yaml.d/x.yaml:3\n"
                               "  files:            # /etc/p.yaml:3\n"
                               "    - path: /srv/a  # /etc/p.yaml:3\n"
                               "mode: observe       # /run/p.yaml.d/x.yaml:4\n");
}

static void lists_and_mappings_in_each_other(void **state)
{
    check("[[a, [b]], {c: [d], e: {f: g}}, [], {}]", "- - a     # f:1\n"
                                                     "  - - b   # f:1\n"
                                                     "- c:      # f:1\n"
                                                     "    - d   # f:1\n"
                                                     "  e:      # f:1\n"
                                                     "    f: g  # f:1\n"
                                                     "- []      # f:1\n"
                                                     "- {}      # f:1\n");
    check("{a: [], b: {}}", "a: []  # f:1\nb: {}  # f:1\n");
    check("x", "x  # f:1\n");
}

/* A text that is a value is where its key is, and where its entry begins in a list. */
static void lines_are_those_of_the_keys(void **state)
{
    check("a:\n  - x\n  -\n    b: >\n      long\n      text\n", "a:                    # f:1\n"
                                                                "  - x                 # f:2\n"
                                                                "  - b: \"long text\\n\"  # f:4\n");
}

static void long_lines_do_not_move_the_others(void **state)
{
    check("a: 1\nb: 0123456789012345678901234567890123456789012345678901234567890123456789\n",
          "a: 1  # f:1\n"
          "b: 0123456789012345678901234567890123456789012345678901234567890123456789  # f:2\n");
}

static void wide_characters_do_not_move_origins(void **state)
{
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    check("a: 日本\nb: 1234\n", "a: 日本  # f:1\nb: 1234  # f:2\n");
    setlocale(LC_CTYPE, "C");
}

static void hostile_paths_stay_in_their_comment(void **state)
{
    CLEANUP_FREE char *shown = show(&(Source){ "a\nb: \x1b[2J", "x: 1", 4 }, 1);

    assert_string_equal(shown, "x: 1  # a\\nb: \\x1b[2J:1\n");
}

/* @text, given in double quotes, is shown as @expected. */
static void check_text(const char *text, const char *expected)
{
    char yaml[200], shown[200];

    snprintf(yaml, sizeof(yaml), "k: \"%s\"\n", text);
    snprintf(shown, sizeof(shown), "k: %s  # f:1\n", expected);
    check(yaml, shown);
}

static void texts_are_quoted_where_it_is_needed(void **state)
{
    static const char *const plain[] = {
        "x",        "a b",      "postgresql@*.service",
        "512M",     "10%",      "0-8M",
        "last 16M", "/srv/**",  "http://x",
        "a:b",      "a#b",      "-x",
        "?x",       ":x",       "a'b",
        "a, b",     "a]b",      "größe",
        "50/s",     "nullable", "yes sir",
        "+x",       ".service", "500ms",
        "--",       "..",
    };
    static const char *const quoted[] = {
        "",      " ",          " x",
        "x ",    "*_fsm",      "[a-z]",
        "{a,b}", "&a",         "!x",
        "|",     ">",          "'x'",
        "%x",    "@x",         "`x",
        "#x",    "a #b",       "a: b",
        "a:",    ":",          "-",
        "- x",   "?",          "? x",
        ",x",    "]",          "}",
        "---",   "--- x",      "...",
        "null",  "Null",       "~",
        "true",  "No",         "off",
        "y",     "1",          "-1",
        "1.5",   "0x1f",       "0o17",
        "1e3",   "1:30",       ".inf",
        "-.INF", "2026-11-24", "1_000",
        "<<",    "=",          "2026-11-24T10:00:00Z",
    };

    for (size_t i = 0; i < ELEMENTS(plain); i++)
        check_text(plain[i], plain[i]);
    for (size_t i = 0; i < ELEMENTS(quoted); i++) {
        char expected[100];

        snprintf(expected, sizeof(expected), "\"%s\"", quoted[i]);
        check_text(quoted[i], expected);
    }
}

static void what_does_not_print_is_escaped(void **state)
{
    static const char *const texts[] = {
        "\\\"",    "a\\\\b \\\"c\\\"", "a\\nb\\t", "\\x1b[2J",    "\\x7f",  "\\x9b",
        "\\u202e", "\\ufeff",          "\\ufffe",  "\\U000e0001", "a\\x0d",
    };

    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        char expected[100];

        snprintf(expected, sizeof(expected), "\"%s\"", texts[i]);
        /* Within a line, quotation marks and backslashes are as good as any other character. */
        if (strcmp(texts[i], "a\\\\b \\\"c\\\"") == 0)
            strcpy(expected, "a\\b \"c\"");
        check_text(texts[i], expected);
    }
    check_text("a\\u00a0b", "a\xc2\xa0"
                            "b");
}

/* What was no text for others, as it was written, stays so. */
static void plain_values_stay_plain(void **state)
{
    check(
        "a: 1\nb: true\nc: ~\nd: 2026-11-24\n",
        "a: 1           # f:1\nb: true        # f:2\nc: ~           # f:3\nd: 2026-11-24  # f:4\n");
}

static void keys_are_texts(void **state)
{
    check("\"a: b\": 1\n\"\": 2\n", "\"a: b\": 1  # f:1\n\"\": 2      # f:2\n");
}

/* Decodes @text, and what is shown of it: both are good, with the same remarks. */
static void check_decoded(const char *text, size_t size, Policy **ret, Policy **ret_shown)
{
    Diagnostics diagnostics = { 0 }, diagnostics_shown = { 0 };
    CLEANUP_FREE char *shown = show(&(Source){ "f", text, size }, 1);

    assert_int_equal(decode_text(text, size, &diagnostics, ret), 0);
    assert_int_equal(decode_text(shown, strlen(shown), &diagnostics_shown, ret_shown), 0);
    assert_int_equal(diagnostics.n_entries, diagnostics_shown.n_entries);
    for (size_t i = 0; i < diagnostics.n_entries; i++)
        assert_string_equal(diagnostics.entries[i].message, diagnostics_shown.entries[i].message);
    diagnostics_clear(&diagnostics);
    diagnostics_clear(&diagnostics_shown);
}

static void check_file(const char *path)
{
    cleanup(policy_freep) Policy *policy = NULL, *shown = NULL;
    char *text_read;
    size_t size;

    assert_int_equal(read_file_alloc(AT_FDCWD, path, READER_TEXT_MAX, &text_read, &size), 0);
    CLEANUP_FREE char *text = text_read;
    check_decoded(text, size, &policy, &shown);
    assert_int_equal(policy->pin_budget, shown->pin_budget);
    assert_int_equal(policy->n_pins, shown->n_pins);
    assert_int_equal(policy->n_evicts, shown->n_evicts);
    assert_int_equal(policy->n_advises, shown->n_advises);
    assert_memory_equal(&policy->memory_high, &shown->memory_high, sizeof(LimitConfig));
    assert_memory_equal(&policy->distress, &shown->distress, sizeof(DistressConfig));
}

static void good_files_decode_to_the_same(void **state)
{
    cleanup(closedirp) DIR *dir = opendir(TEST_DATA "/policies/good");
    size_t n = 0;

    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        CLEANUP_FREE char *path = NULL;
        const char *dot = strrchr(entry->d_name, '.');

        if (strcmp(dot, ".yaml") != 0)
            continue;
        assert_true(asprintf(&path, "%s/%s", TEST_DATA "/policies/good", entry->d_name) > 0);
        check_file(path);
        n++;
    }
    assert_true(n > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drop_ins_are_merged),
        cmocka_unit_test(lists_and_mappings_in_each_other),
        cmocka_unit_test(lines_are_those_of_the_keys),
        cmocka_unit_test(long_lines_do_not_move_the_others),
        cmocka_unit_test(wide_characters_do_not_move_origins),
        cmocka_unit_test(hostile_paths_stay_in_their_comment),
        cmocka_unit_test(texts_are_quoted_where_it_is_needed),
        cmocka_unit_test(what_does_not_print_is_escaped),
        cmocka_unit_test(plain_values_stay_plain),
        cmocka_unit_test(keys_are_texts),
        cmocka_unit_test(good_files_decode_to_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
