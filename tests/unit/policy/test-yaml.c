/* SPDX-License-Identifier: MIT */
/* What YAML has and a policy has not, broken YAML, and texts that are made to hurt. */
#include "unit/policy/decoding.h"

typedef struct Refusal {
    const char *text;
    const char *expected;
} Refusal;

static void check(const Refusal cases[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CLEANUP_FREE char *found = decode_bad(cases[i].text, strlen(cases[i].text));
        assert_string_equal(found, cases[i].expected);
    }
}

#define CHECK(cases) check((cases), ELEMENTS(cases))

#define ANCHORS "anchors are not allowed (put a value that begins with & in quotation marks)\n"
#define ALIASES "aliases are not allowed (put a value that begins with * in quotation marks)\n"
#define BAD_TAG "(tags are not allowed: put a value that begins with ! in quotation marks)\n"
#define TAGS    "tags are not allowed (put a value that begins with ! in quotation marks)\n"

static void anchors_aliases_tags(void **state)
{
    static const Refusal cases[] = {
        { LEAST "role: &r critical\n", "3:7: an anchor, \"r\": " ANCHORS },
        { LEAST "pin: &p {budget: 1M, files: &f [&e {path: /srv/x}]}\n",
          "3:6: an anchor, \"p\": " ANCHORS "3:29: an anchor, \"f\": " ANCHORS
          "3:33: an anchor, \"e\": " ANCHORS },
        { LEAST "&k role: critical\n", "3:1: an anchor, \"k\": " ANCHORS },
        { LEAST "role: *r\n", "3:7: an alias, \"r\": " ALIASES },
        { LEAST "*k : critical\n", "3:1: an alias, \"k\": " ALIASES },
        { LEAST "evict: [*a, {path: *b}]\n",
          "3:9: an alias, \"a\": " ALIASES "3:20: an alias, \"b\": " ALIASES },
        { "*all\n", "1:1: an alias, \"all\": " ALIASES },
        /* Within what is passed over as well. */
        { LEAST "cache: {max: *m}\n", "3:14: an alias, \"m\": " ALIASES },
        { LEAST "role: !!str critical\n", "3:7: a tag, \"tag:yaml.org,2002:str\": " TAGS },
        { LEAST "role: !mine critical\n", "3:7: a tag, \"!mine\": " TAGS },
        { "%TAG !a! tag:a\n---\n" LEAST,
          "1:1: a %TAG directive: tags are not allowed (leave this line out)\n" },
        { "# 1\n%TAG !a! tag:a\n---\n" LEAST,
          "2:1: a %TAG directive: tags are not allowed (leave this line out)\n" },
        { LEAST "evict: ! [{path: /srv/x}]\n", "3:8: a tag, \"!\": " TAGS },
        { "!!map {version: 1, match: {units: [a.service]}}\n",
          "1:1: a tag, \"tag:yaml.org,2002:map\": " TAGS },
        /* The value beside them is judged all the same. */
        { LEAST "role: &r !!str critcal\n",
          "3:7: an anchor, \"r\": " ANCHORS "3:7: a tag, \"tag:yaml.org,2002:str\": " TAGS
          "3:7: unknown role \"critcal\" (did you mean \"critical\"?)\n" },
    };

    CHECK(cases);
}

static void several_documents(void **state)
{
    static const Refusal cases[] = {
        { LEAST "---\n" LEAST, "3:1: a second document begins here (one file is one document)\n" },
        { LEAST "role: x\n--- {}\n",
          "3:7: unknown role \"x\" (normal, critical or background)\n"
          "4:1: a second document begins here (one file is one document)\n" },
        { "---\n---\n" LEAST, "2:1: a second document begins here (one file is one document)\n"
                              "2:1: a policy is empty (for example version: 1)\n" },
    };

    CHECK(cases);
}

static void broken_yaml(void **state)
{
    static const Refusal cases[] = {
        { LEAST "pin:\n\tbudget: 1M\n", "4:1: not YAML: found character that cannot start any "
                                        "token (indent with spaces, not with "
                                        "tabs)\n" },
        { LEAST "role: @critical\n",
          "3:7: not YAML: found character that cannot start any token (put the value in quotation "
          "marks)\n" },
        { "version: 1\nmatch: {units: [*.service]}\n",
          "2:18: not YAML: did not find expected alphabetic or numeric character (put a value that "
          "begins with * or & in quotation marks)\n" },
        { LEAST "description: a: b\n",
          "3:15: not YAML: mapping values are not allowed in this context (check the indentation, "
          "and put a value that has \": \" in it in quotation marks)\n" },
        { LEAST "role: normal\n  mode: observe\n",
          "4:7: not YAML: mapping values are not allowed in this context (check the indentation, "
          "and put a value that has \": \" in it in quotation marks)\n" },
        { LEAST "evict:\n  - path: srv/x\n    every: 30 s\n     idle: 2m\n",
          "4:11: \"srv/x\" is a relative path (write it in full, from / on)\n"
          "6:10: not YAML: mapping values are not allowed in this context (check the indentation, "
          "and put a value that has \": \" in it in quotation marks)\n" },
        /* What ends in front of the mistake is judged. */
        { LEAST "role: very\n  normal\nmode critical\n",
          "3:7: unknown role \"very normal\" (normal, critical or background)\n"
          "5:1: not YAML: could not find expected ':' (write key: value, with a space behind the "
          "colon)\n" },
        { LEAST "evict:\n  - path: /srv/x\n   - path: /srv/y\n",
          "5:4: not YAML: did not find expected '-' indicator, while parsing a block collection "
          "that "
          "began on line 4 (the entries of one list begin in the same column)\n" },
        { LEAST "evict:\n- path: /srv/x\nrole critical\n",
          "5:1: not YAML: could not find expected ':' (write key: value, with a space behind the "
          "colon)\n" },
        { LEAST "role:critical\n",
          "3:1: not YAML: could not find expected ':' (write key: value, with a space behind the "
          "colon)\n" },
        { LEAST "description: \"the shop\nrole: critical\n",
          "3:14: not YAML: found unexpected end of stream (a quotation mark is missing)\n" },
        /* It ends at the next mark, which was meant to begin another value. */
        { LEAST "evict:\n  - path: \"/srv/x\n    idle: 2m\n    every: \"30s\"\n",
          "6:13: not YAML: did not find expected key (a quotation mark is missing on line 4)\n" },
        { LEAST "description: 'the shop\nrole: 'critical'\n",
          "4:8: not YAML: did not find expected key (a quotation mark is missing on line 3)\n" },
        { "version: 1\nmatch:\n  units:\n  - \"a.service\n  - \"b.service\"\n",
          "5:6: not YAML: did not find expected key (a quotation mark is missing on line 4)\n" },
        { LEAST "description: \"two\n  lines\"\nrole: @\n",
          "5:7: not YAML: found character that cannot start any token (put the value in quotation "
          "marks)\n" },
        { LEAST "description: 'a' b\n",
          "3:18: not YAML: did not find expected key, while parsing a block mapping that began on "
          "line 1 (put the whole value in quotation marks, or begin a new line)\n" },
        { LEAST "description: \"a\\q\"\n", "3:16: not YAML: found unknown escape character (write "
                                           "\\\\ for a backslash, or use single "
                                           "quotation marks)\n" },
        { LEAST "description: |x\n",
          "3:15: not YAML: did not find expected comment or line break (put a value that begins "
          "with | or > in quotation marks)\n" },
        { "version: 1\nmatch: {units: [{a,b}.service]}\n",
          "2:17: an entry of \"units\" must be a single value, not a mapping (for example units: "
          "[\"nginx.service\"])\n"
          "2:22: not YAML: did not find expected ',' or ']' (put an entry that has brackets, "
          "braces "
          "or commas in quotation marks)\n" },
        { LEAST "evict: [,]\n",
          "3:9: not YAML: did not find expected node content (a value is missing here)\n" },
        { LEAST "pin: {budget: 1M\n",
          "4:1: not YAML: did not find expected ',' or '}', while parsing a flow mapping that "
          "began on line 3 (close it with }, and put an entry that has brackets, braces or commas "
          "in quotation marks)\n" },
        { "version: 1\nmatch:\n  units: [a.service\nrole: critical\n",
          "4:5: not YAML: did not find expected ',' or ']', while parsing a flow sequence that "
          "began on line 3 (close it with ], and put an entry that has brackets, braces or commas "
          "in quotation marks)\n" },
        { LEAST "evict: - path: /srv/x\n",
          "3:8: not YAML: block sequence entries are not allowed in this context (begin a list on "
          "a new line, and put a value that begins with - in quotation marks)\n" },
        { LEAST "role: ? x\n",
          "3:7: not YAML: mapping keys are not allowed in this context (put a value that begins "
          "with ? in quotation marks)\n" },
        { LEAST "description: \"C:\\users\"\n",
          "3:19: not YAML: did not find expected hexdecimal number (write \\\\ for a backslash, or "
          "use single quotation marks)\n" },
        { LEAST "description: \"\\ud800\"\n",
          "3:17: not YAML: found invalid Unicode character escape code (write \\\\ for a "
          "backslash, or use single quotation marks)\n" },
        { LEAST "description: \"a\n---\n",
          "3:14: not YAML: found unexpected document indicator (a quotation mark is missing)\n" },
        { LEAST "description: |0\n  x\n",
          "3:15: not YAML: found an indentation indicator equal to 0 (leave the 0 out)\n" },
        { LEAST "role: !a!b\n", "3:7: not YAML: found undefined tag handle " BAD_TAG },
        { LEAST "role: !<x y\n", "3:7: not YAML: did not find the expected '>' " BAD_TAG },
        { LEAST "role: !%zz\n", "3:7: not YAML: did not find URI escaped octet " BAD_TAG },
        { LEAST "role: !a,b\n",
          "3:7: not YAML: did not find expected whitespace or line break " BAD_TAG },
        { "%FOO bar\n---\n" LEAST,
          "1:5: not YAML: found unknown directive name (leave this line out)\n" },
        { "%YAML 1.1 x\n---\n" LEAST,
          "1:11: not YAML: did not find expected comment or line break (leave this line out)\n" },
        { "%YAML x\n---\n" LEAST,
          "1:7: not YAML: did not find expected version number (leave this line out)\n" },
        { "%YAML 3.0\n---\n" LEAST,
          "1:1: not YAML: found incompatible YAML document (leave this line out)\n" },
        /* What stands before it is told too; what could not be seen is not called missing. */
        { "role: x\nmode: y\npin: {budget: 3X, 'z\n",
          "1:7: unknown role \"x\" (normal, critical or background)\n"
          "2:7: unknown mode \"y\" (enforce or observe)\n"
          "3:15: \"3X\" is not a size: unknown unit \"X\" (K, M, G, T and % of RAM are known)\n"
          "3:19: not YAML: found unexpected end of stream (a quotation mark is missing)\n" },
        { LEAST "pin:\n  budget: 1M\n files: [{path: /srv/x}]\n",
          "5:2: not YAML: did not find expected key, while parsing a block mapping that began on "
          "line 1 (the keys of one mapping begin in the same column)\n" },
    };

    CHECK(cases);
}

static void bytes_that_are_no_text(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *expected;
    } cases[] = {
        { "version: 1\nrole: \xff\n", 19,
          "2:7: invalid UTF-8: byte 0xff (save the file as UTF-8)\n" },
        { "# Größe \xf6\n", 12, "1:9: invalid UTF-8: byte 0xf6 (save the file as UTF-8)\n" },
        { "a: \xc3", 4, "1:4: invalid UTF-8: byte 0xc3 (save the file as UTF-8)\n" },
        { "\xff\xfe"
          "v\0e\0",
          6, "1:1: invalid UTF-8: byte 0xff (save the file as UTF-8)\n" },
        { "version: 1\n\0\n", 13, "2:1: a NUL byte (save the file as plain text in UTF-8)\n" },
        { "\0", 1, "1:1: a NUL byte (save the file as plain text in UTF-8)\n" },
        { "role: \x1b[31m\n", 12, "1:7: a control character, 0x1b (leave it out)\n" },
        { "a\r\nb\rc\nd \x7f", 11, "4:3: a control character, 0x7f (leave it out)\n" },
        { "# \xc2\x9b\n", 5, "1:3: a control character, 0x9b (leave it out)\n" },
        { "a: 1\n# \xef\xbf\xbe\n", 11, "2:3: a control character, 0xfffe (leave it out)\n" },
        { "a: \xef\xbf\xbf", 6, "1:4: a control character, 0xffff (leave it out)\n" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP_FREE char *found = decode_bad(cases[i].text, cases[i].size);
        assert_string_equal(found, cases[i].expected);
    }
}

/* Columns are characters, as editors count them, not bytes. */
static void places_behind_other_scripts(void **state)
{
    static const Refusal cases[] = {
        { LEAST "evict: [{path: /srv/Größe, idle: x}]\n",
          "3:34: \"x\" is not a duration (write 30s, 10m or 1h; ms, s, m, h and d are known)\n" },
        { LEAST "# 💾 €\r\nevict: [{path: \"/srv/💾€\", idle: x}]\r\n",
          "4:33: \"x\" is not a duration (write 30s, 10m or 1h; ms, s, m, h and d are known)\n" },
        { "\xef\xbb\xbfversion: 3\nmatch: {units: [a.service]}\n",
          "1:10: \"3\" is no version that is known here (write version: 1)\n" },
    };

    CHECK(cases);
}

static void all_mistakes_in_one_pass(void **state)
{
    static const Refusal cases[] = {
        { "descripton: x\n"
          "match:\n"
          "  units: [nginx, b.service]\n"
          "role: critcal\n"
          "distress: {window: 2s}\n"
          "pin:\n"
          "  budget: 512MB\n"
          "  budget: 12M\n"
          "  files:\n"
          "    - path: /*\n"
          "    - /foo\n"
          "evict:\n"
          "  - path: ../x\n"
          "    every: 30\n"
          "memory_high:\n"
          "  min: 1G\n"
          "bar: &a b\n",
          "1:1: unknown key \"descripton\" (did you mean \"description\"?)\n"
          "1:1: \"version\" is missing (for example version: 1)\n"
          "3:11: \"nginx\" is no unit name: it has no suffix (write \"nginx.service\")\n"
          "4:7: unknown role \"critcal\" (did you mean \"critical\"?)\n"
          "7:11: \"512MB\" is not a size: unknown unit \"MB\" (write 512M; K, M, G, T and % of RAM "
          "are "
          "known)\n"
          "8:3: duplicate key \"budget\" (it is on line 7 already)\n"
          "10:13: \"/*\" could match the whole file system (write the first folder in full: "
          "/srv/**)\n"
          "11:7: an entry of \"files\" must be a mapping, not a single value (for example files: "
          "[{path: /srv/shop/index/*}])\n"
          "13:11: \"../x\" is a relative path (write it in full, from / on)\n"
          "14:12: \"30\" is not a duration: its unit is missing (write 30s; ms, s, m, h and d are "
          "known)\n"
          "16:3: \"min\" in memory_high belongs to mode fixed, track or yield, not to off "
          "(choose one of them, or leave it out)\n"
          "17:1: unknown key \"bar\" (known here: version, description, match, role, mode, "
          "distress, pin, evict, cache, memory_high, advise)\n"
          "17:6: an anchor, \"a\": " ANCHORS },
    };

    CHECK(cases);
}

/* @head, @n times @unit, @tail. */
static char *repeat(const char *head, const char *unit, size_t n, const char *tail,
                    size_t *ret_size)
{
    size_t unit_size = strlen(unit), head_size = strlen(head);
    char *text = malloc(head_size + n * unit_size + strlen(tail) + 1);
    assert_non_null(text);

    strcpy(text, head);
    for (size_t i = 0; i < n; i++)
        memcpy(text + head_size + i * unit_size, unit, unit_size);
    strcpy(text + head_size + n * unit_size, tail);
    *ret_size = strlen(text);
    return text;
}

static void check_repeated(const char *head, const char *unit, size_t n, const char *tail,
                           const char *expected)
{
    size_t size;
    CLEANUP_FREE char *text = repeat(head, unit, n, tail, &size);
    CLEANUP_FREE char *found = decode_bad(text, size);

    assert_string_equal(found, expected);
}

static void too_deep(void **state)
{
    check_repeated("", "[", 100000, "",
                   "1:1: a policy must be a mapping, not a list (for example version: 1)\n"
                   "1:33: nested deeper than 32 levels (4 are plenty)\n");
    check_repeated(LEAST "cache: ", "[", 100000, "",
                   "3:8: \"cache\" must be a mapping, not a list (for example cache: {max: 2G})\n"
                   "3:39: nested deeper than 32 levels (4 are plenty)\n");
    check_repeated(LEAST "cache: ", "{a: ", 50000, "",
                   "3:9: unknown key \"a\" in cache (known here: max, brake)\n"
                   "3:132: nested deeper than 32 levels (4 are plenty)\n");
    check_repeated(LEAST "cache:\n  ", "- ", 50000, "x\n",
                   "4:3: \"cache\" must be a mapping, not a list (for example cache: {max: 2G})\n"
                   "4:65: nested deeper than 32 levels (4 are plenty)\n");

    /* 32 are not too many: the mapping of the policy and 31 lists. */
    check_repeated(LEAST "cache: ", "[", 31, "x]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
                   "3:8: \"cache\" must be a mapping, not a list (for example cache: {max: 2G})\n");
}

static void too_much(void **state)
{
    check_repeated(LEAST "#", "x", READER_TEXT_MAX, "\n",
                   "larger than 1 MiB (a page of text is plenty)\n");
    /* Stream, document, mapping, 7 of LEAST, key and list come before the 99,988 of the list. */
    check_repeated(LEAST "cache:\n", "- x\n", 150000, "",
                   "4:1: \"cache\" must be a mapping, not a list (for example cache: {max: 2G})\n"
                   "99990:3: more than 100,000 keys and values (a page of text is plenty)\n");
}

static void a_megabyte_of_text_is_not_too_much(void **state)
{
    size_t size;
    CLEANUP_FREE char *text = repeat(LEAST "#", "x", READER_TEXT_MAX - strlen(LEAST "#\n"), "\n",
                                     &size);
    assert_int_equal(size, READER_TEXT_MAX);

    cleanup(policy_freep) Policy *policy = decode_good(text);
    assert_non_null(policy);
}

static void a_hundred_mistakes_are_told(void **state)
{
    size_t size;
    CLEANUP_FREE char *text = repeat(LEAST, "x: 1\n", 140, "", &size);
    CLEANUP_FREE char *found = decode_bad(text, size);
    size_t lines = 0;

    for (const char *p = found; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, DIAGNOSTICS_MAX + 1);
    assert_non_null(strstr(found, "\n40 more findings are not shown\n"));
}

/* Globs that stand for many: each reading is charged. */
static void too_many_readings(void **state)
{
    check_repeated(
        "version: 1\nmatch: {units: ['", "{a,b}", 10, ".service']}\n",
        "2:17: \"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}.service\" stands for "
        "more than 1000 globs (write fewer braces)\n");
    /* 13 × 768 and a.service are fewer than 10,000, 14 are not; it is said once. */
    check_repeated(LEAST "evict:\n",
                   "- path: '/s/{a,b,c}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}'\n", 20, "",
                   "17:9: \"/s/{a,b,c}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}\" is too much: the "
                   "globs of this policy stand for more than 10000 (write fewer braces)\n");
}

static void long_names(void **state)
{
    check_repeated(
        "version: 1\nmatch: {units: [", "x", 248, ".service]}\n",
        "2:17: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\" is longer "
        "than 255 bytes, which no unit name is\n");
    check_repeated(
        LEAST "evict: [{path: ", "/xxx", 1024, "}]\n",
        "3:16: \"/xxx/xxx/xxx/xxx/xxx/xxx/xxx/xxx/xxx/xxx/xxx/xxx/xxx/xxx/xxx…\" is longer "
        "than 4095 bytes, which no path is\n");
    check_repeated(
        LEAST, "x", 1000, ": y\n",
        "3:1: unknown key \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\" "
        "(known here: version, description, match, role, mode, distress, pin, evict, "
        "cache, memory_high, advise)\n");
    check_repeated(
        LEAST "evict: [{path: /x, every: ", "0", 1000, "3X}]\n",
        "3:27: \"000000000000000000000000000000000000000000000000000000000000…\" is not a "
        "duration: unknown unit \"X\" (ms, s, m, h and d are known)\n");
    check_repeated(
        LEAST "evict: [{path: /x, every: ", "0", 1000, "}]\n",
        "3:27: \"000000000000000000000000000000000000000000000000000000000000…\" is not a "
        "duration: its unit is missing (write 00000000000000000000s; ms, s, m, h and d "
        "are known)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors_aliases_tags),
        cmocka_unit_test(several_documents),
        cmocka_unit_test(broken_yaml),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(places_behind_other_scripts),
        cmocka_unit_test(all_mistakes_in_one_pass),
        cmocka_unit_test(too_deep),
        cmocka_unit_test(too_much),
        cmocka_unit_test(a_megabyte_of_text_is_not_too_much),
        cmocka_unit_test(a_hundred_mistakes_are_told),
        cmocka_unit_test(too_many_readings),
        cmocka_unit_test(long_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
