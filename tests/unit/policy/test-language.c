/* SPDX-License-Identifier: MIT */
/* What the tables say of each key is what the decoder does: examples decode, and the value that is
 * said to hold without a key is the one that holds. */
#include "policy/language.h"
#include "policy/values.h"
#include "unit/policy/decoding.h"

/* Beneath what is tested, which is decoded as a drop-in of it: some keys need others. */
#define POLICY_BASE   LEAST "role: critical\nmemory_high: {mode: track, min: 1M}\n"
#define SETTINGS_BASE "version: 1\n"

typedef struct Decoded {
    Policy *policy;
    Settings settings;
    char *object; /* one of both */
} Decoded;

static void decoded_clear(Decoded *decoded)
{
    decoded->policy = policy_free(decoded->policy);
    settings_clear(&decoded->settings);
}

static void decode_sources(const Language *language, const Source *sources, size_t n_sources,
                           Decoded *ret)
{
    Diagnostics diagnostics = { 0 };
    int r;

    if (language == &policy_language) {
        r = policy_decode("p", sources, n_sources, RAM, &diagnostics, &ret->policy);
        ret->object = (char *)ret->policy;
    } else {
        r = settings_decode(sources, n_sources, RAM, &diagnostics, &ret->settings);
        ret->object = (char *)&ret->settings;
    }
    CLEANUP_FREE char *found = join_messages(&diagnostics);
    diagnostics_clear(&diagnostics);
    if (r < 0)
        fail_msg("%s:\n%s", sources[n_sources - 1].text, found);
}

/* The field that holds @mapping or a list of it, and the mapping which that field is in; NULL: it
 * is the document. */
static const Field *find_parent(const Language *language, const Mapping *mapping,
                                const Mapping **ret)
{
    for (const Mapping *const *outer = language->mappings; *outer; outer++)
        for (size_t i = 0; i < (*outer)->n_fields; i++) {
            const Field *field = &(*outer)->fields[i];

            if (field->mapping == mapping ||
                (field->list && field->list->entry->mapping == mapping)) {
                *ret = *outer;
                return field;
            }
        }
    return NULL;
}

/* @text, and whatever @mapping requires beside @field. */
static char *with_required(const Mapping *mapping, const Field *field, char *text,
                           const char *separator)
{
    for (size_t i = 0; i < mapping->n_fields; i++) {
        const Field *other = &mapping->fields[i];
        char *longer;

        if (!other->required || other == field ||
            (field->replaces && strcmp(field->replaces, other->key) == 0))
            continue;
        assert_true(asprintf(&longer, "%s%s%s", text, *text ? separator : "", other->example) >= 0);
        free(text);
        text = longer;
    }
    return text;
}

/* A document in which @field of @mapping is as @text ("key: value") says, or is not there, if that
 * is empty; to be freed. */
static char *write_document(const Language *language, const Mapping *mapping, const Field *field,
                            const char *text)
{
    char *document = strdup(text);
    const Mapping *outer = NULL;

    for (const Field *parent; (parent = find_parent(language, mapping, &outer));) {
        char *inner = with_required(mapping, field, document, ", ");

        document = inner;
        if (*inner) {
            assert_true(asprintf(&document, parent->list ? "%s: [{%s}]" : "%s: {%s}", parent->key,
                                 inner) > 0);
            free(inner);
        }
        mapping = outer;
        field = parent;
    }
    return with_required(mapping, field, document, "\n");
}

/* On top of the base. */
static void decode_with(const Language *language, const Mapping *mapping, const Field *field,
                        const char *text, Decoded *ret)
{
    CLEANUP_FREE char *document = write_document(language, mapping, field, text);
    const char *base = language == &policy_language ? POLICY_BASE : SETTINGS_BASE;
    const Source sources[] = {
        { "base", base, strlen(base) },
        { "example", document, strlen(document) },
    };

    decode_sources(language, sources, 2, ret);
}

static void decode_without(const Language *language, const Mapping *mapping, const Field *field,
                           Decoded *ret)
{
    CLEANUP_FREE char *document = write_document(language, mapping, field, "");
    const Source source = { "document", document, strlen(document) };

    decode_sources(language, &source, *document ? 1 : 0, ret);
}

/* The object that @mapping is decoded into: an entry of a list, or the whole. */
static const char *object_of(const Language *language, const Mapping *mapping,
                             const Decoded *decoded)
{
    const Mapping *outer;
    const Field *parent = find_parent(language, mapping, &outer);
    char *array;

    if (!parent || !parent->list)
        return decoded->object;
    memcpy(&array, decoded->object + parent->offset, sizeof(array));
    assert_non_null(array);
    return array;
}

/* Bytes of a value that can be compared; 0: it is a list, or nothing is stored. */
static size_t size_of(const ValueType *type)
{
    if (type == &type_version || type == &type_list)
        return 0;
    if (type == &type_bool)
        return sizeof(bool);
    return type == &type_enum ? sizeof(unsigned) : sizeof(uint64_t);
}

static void check_fallback(const Language *language, const Mapping *mapping, const Field *field)
{
    cleanup(decoded_clear) Decoded with = { 0 }, without = { 0 };
    CLEANUP_FREE char *text = NULL;

    assert_true(asprintf(&text, "%s: %s", field->key, field->fallback) > 0);
    decode_with(language, mapping, field, text, &with);
    decode_without(language, mapping, field, &without);
    if (memcmp(object_of(language, mapping, &with) + field->offset,
               object_of(language, mapping, &without) + field->offset, size_of(field->type)) != 0)
        fail_msg("\"%s\" in %s is not what holds without the key", text,
                 mapping->name ? mapping->name : language->subject);
}

static void check_field(const Language *language, const Mapping *mapping, const Field *field)
{
    cleanup(decoded_clear) Decoded decoded = { 0 };
    size_t n_key = strlen(field->key);

    assert_non_null(field->help);
    assert_int_equal(strncmp(field->example, field->key, n_key), 0);
    assert_int_equal(strncmp(field->example + n_key, ": ", 2), 0);
    decode_with(language, mapping, field, field->example, &decoded);
    if (field->fallback)
        check_fallback(language, mapping, field);
}

static void check_language(const Language *language)
{
    size_t n_fallbacks = 0;

    for (const Mapping *const *mapping = language->mappings; *mapping; mapping++)
        for (size_t i = 0; i < (*mapping)->n_fields; i++) {
            const Field *field = &(*mapping)->fields[i];

            check_field(language, *mapping, field);
            n_fallbacks += field->fallback && size_of(field->type) > 0;
        }
    assert_true(n_fallbacks > 0);
}

static void policies(void **state)
{
    check_language(&policy_language);
}

static void settings(void **state)
{
    check_language(&settings_language);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies),
        cmocka_unit_test(settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
