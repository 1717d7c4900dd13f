/* SPDX-License-Identifier: MIT */
/* What holds for every key of both languages, those of tomorrow included: that a misspelt, doubled,
 * empty or wrongly shaped one is refused in these words at its place. */
#include "policy/language.h"
#include "policy/values.h"
#include "unit/policy/decoding.h"

/* Where the keys of each mapping of the policy language stand. */
static const struct {
    const char *mapping;
    const char *before, *behind;
} places[] = {
    { "", "{", "}" },
    { "match", "match: {", "}" },
    { "distress", "distress: {", "}" },
    { "pin", "pin: {", "}" },
    { "pin.files", "pin: {files: [{", "}]}" },
    { "evict", "evict: [{", "}]" },
    { "cache", "cache: {", "}" },
    { "memory_high", "memory_high: {", "}" },
    { "advise", "advise: [{", "}]" },
};

static const char *name_of(const Mapping *mapping)
{
    return mapping->name ? mapping->name : "";
}

static size_t find_place(const Mapping *mapping)
{
    for (size_t i = 0; i < ELEMENTS(places); i++)
        if (strcmp(places[i].mapping, name_of(mapping)) == 0)
            return i;
    fail_msg("no place is known for the mapping %s", mapping->name);
    return 0;
}

typedef struct Subject {
    const Language *language;
    const char *base; /* a good document, upon which the others are laid */
    const Mapping *mapping;
    const Field *field;
} Subject;

static int decode(const Subject *subject, const char *text, Diagnostics *diagnostics)
{
    const Source sources[] = { { "base.yaml", subject->base, strlen(subject->base) },
                               { "over.yaml", text, strlen(text) } };

    if (subject->language == &policy_language) {
        Policy *policy = NULL;
        int r = policy_decode("p", sources, 2, RAM, diagnostics, &policy);

        policy_free(policy);
        return r;
    }
    Settings settings = { 0 };
    int r = settings_decode(sources, 2, RAM, diagnostics, &settings);

    settings_clear(&settings);
    return r;
}

/* The keys @text where those of the mapping stand; to be freed. */
static char *put(const Subject *subject, const char *text, size_t *ret_column)
{
    size_t place = find_place(subject->mapping);
    char *document = NULL;

    *ret_column = strlen(places[place].before) + 1;
    assert_true(asprintf(&document, "%s%s%s", places[place].before, text, places[place].behind) >
                0);
    return document;
}

/* The keys @keys have one mistake, @skip columns behind their beginning, which is told so. */
static void check_refused(const Subject *subject, const char *keys, size_t skip,
                          const char *message)
{
    Diagnostics diagnostics = { 0 };
    size_t column;
    CLEANUP_FREE char *text = put(subject, keys, &column), *expected = NULL;

    assert_true(asprintf(&expected, "1:%zu: %s\n", column + skip, message) > 0);
    int r = decode(subject, text, &diagnostics);
    CLEANUP_FREE char *found = join_messages(&diagnostics);
    diagnostics_clear(&diagnostics);
    if (strcmp(found, expected) != 0)
        fail_msg("%s\n%s\ninstead of\n%s", text, found, expected);
    assert_int_equal(r, -EBADMSG);
}

#define FORMAT(name, ...)           \
    CLEANUP_FREE char *name = NULL; \
    assert_true(asprintf(&name, __VA_ARGS__) > 0)

static void check_misspelt(const Subject *subject)
{
    const char *key = subject->field->key, *name = name_of(subject->mapping);

    FORMAT(keys, "%sx%s", key, subject->field->example + strlen(key));
    FORMAT(message, "unknown key \"%sx\"%s%s (did you mean \"%s\"?)", key, *name ? " in " : "",
           name, key);
    check_refused(subject, keys, 0, message);
}

static void check_doubled(const Subject *subject)
{
    const Field *field = subject->field;

    FORMAT(two, "%s, %s", field->example, field->example);
    FORMAT(twice, "duplicate key \"%s\" (it is on line 1 already)", field->key);
    check_refused(subject, two, strlen(field->example) + 2, twice);
}

static void check_empty(const Subject *subject)
{
    static const char *const nothing[] = { "~", "\"\"", "\" \"", "null" };
    const Field *field = subject->field;

    FORMAT(message, "\"%s\" is empty (for example %s)", field->key, field->example);
    for (size_t i = 0; i < ELEMENTS(nothing); i++) {
        FORMAT(keys, "%s: %s", field->key, nothing[i]);
        check_refused(subject, keys, strlen(field->key) + 2, message);
    }
    if (field->type->kind == NODE_TEXT)
        return;
    FORMAT(keys, "%s: %s", field->key, field->type->kind == NODE_LIST ? "[]" : "{}");
    check_refused(subject, keys, strlen(field->key) + 2, message);
}

static const char *const kinds[] = {
    [NODE_TEXT] = "a single value",
    [NODE_LIST] = "a list",
    [NODE_MAPPING] = "a mapping",
};

/* In a list of mappings a mapping is judged as its only entry, so it is a good one. */
static char *make_sample(NodeKind kind, const Field *field)
{
    const Mapping *entry = field->list ? field->list->entry->mapping : NULL;

    FORMAT(sample, "%s%s%s",
           kind == NODE_LIST      ? "["
           : kind == NODE_MAPPING ? "{"
                                  : "",
           kind == NODE_MAPPING ? (entry ? entry->fields[0].example : "x: y") : "x",
           kind == NODE_LIST      ? "]"
           : kind == NODE_MAPPING ? "}"
                                  : "");
    return TAKE_PTR(sample);
}

static void check_wrong_kinds(const Subject *subject)
{
    const Field *field = subject->field;

    for (size_t kind = 0; kind < ELEMENTS(kinds); kind++) {
        if (kind == field->type->kind)
            continue;
        CLEANUP_FREE char *sample = make_sample(kind, field);
        FORMAT(keys, "%s: %s", field->key, sample);
        FORMAT(message, "\"%s\" must be %s, not %s (for example %s)", field->key,
               kinds[field->type->kind], kinds[kind], field->example);
        check_refused(subject, keys, strlen(field->key) + 2, message);
    }
}

/* What is in the lists. */
static void check_entries(const Subject *subject)
{
    const Field *field = subject->field;

    if (field->type != &type_list)
        return;
    const Field *entry = field->list->entry;

    FORMAT(empty_keys, "%s: [~]", field->key);
    FORMAT(empty, "an entry of \"%s\" is empty (for example %s)", field->key, field->example);
    check_refused(subject, empty_keys, strlen(field->key) + 3, empty);
    for (size_t kind = 0; kind < ELEMENTS(kinds); kind++) {
        if (kind == entry->type->kind)
            continue;
        CLEANUP_FREE char *sample = make_sample(kind, entry);
        FORMAT(keys, "%s: [%s]", field->key, sample);
        FORMAT(message, "an entry of \"%s\" must be %s, not %s (for example %s)", field->key,
               kinds[entry->type->kind], kinds[kind], field->example);
        check_refused(subject, keys, strlen(field->key) + 3, message);
    }
}

static void for_each_key(void (*check)(const Subject *subject))
{
    static const struct {
        const Language *language;
        const char *base;
    } languages[] = {
        { &policy_language, LEAST },
        { &settings_language, "version: 1\n" },
    };

    for (size_t i = 0; i < ELEMENTS(languages); i++)
        for (const Mapping *const *m = languages[i].language->mappings; *m; m++)
            for (size_t k = 0; k < (*m)->n_fields; k++) {
                const Subject subject = { languages[i].language, languages[i].base, *m,
                                          &(*m)->fields[k] };
                check(&subject);
            }
}

static void misspelt_keys(void **state)
{
    for_each_key(check_misspelt);
}

static void doubled_keys(void **state)
{
    for_each_key(check_doubled);
}

static void empty_values(void **state)
{
    for_each_key(check_empty);
}

static void values_of_the_wrong_kind(void **state)
{
    for_each_key(check_wrong_kinds);
}

static void entries_of_lists(void **state)
{
    for_each_key(check_entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misspelt_keys),    cmocka_unit_test(doubled_keys),
        cmocka_unit_test(empty_values),     cmocka_unit_test(values_of_the_wrong_kind),
        cmocka_unit_test(entries_of_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
