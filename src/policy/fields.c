/* SPDX-License-Identifier: MIT */
/* Follows the tables: looks every key up, holds the node against the type's kind, and hands it to
 * the type's handler. A mistake is reported and passed over, so that one pass finds all of them.
 * Recursion is bounded by READER_DEPTH_MAX. */
#include "policy/fields.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/keys.h"
#include "policy/language.h"
#include "policy/text.h"
#include "policy/values.h"
#include "util/cleanup.h"

static int report(Decoder *decoder, Severity severity, PolicyPlace place, const char *format,
                  va_list args)
{
    CLEANUP_FREE char *message = NULL;

    if (vasprintf(&message, format, args) < 0) {
        message = NULL;
        return -ENOMEM;
    }
    return diagnostics_add(decoder->diagnostics, severity, place, "%s", message);
}

int refuse(Decoder *decoder, PolicyPlace place, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int r = report(decoder, SEVERITY_MISTAKE, place, format, args);
    va_end(args);
    return r < 0 ? r : REFUSED;
}

int remark(Decoder *decoder, Severity severity, PolicyPlace place, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int r = report(decoder, severity, place, format, args);
    va_end(args);
    return r < 0 ? r : DECODED;
}

char *place_from(const Decoder *decoder, PolicyPlace place, PolicyPlace from)
{
    CLEANUP_FREE char *file = text_printable(decoder->sources[place.file].path);
    char *text;
    int r;

    if (!file)
        return NULL;
    if (place.file == from.file)
        r = asprintf(&text, "line %zu", place.line);
    else
        r = asprintf(&text, "%s:%zu", file, place.line);
    return r < 0 ? NULL : text;
}

/* Reports that @key, of @field, is not acted on. DECODED or -ENOMEM. */
static int remark_later(Decoder *decoder, const Mapping *mapping, const Field *field,
                        const Node *key)
{
    bool by_value = field->acted_on; /* others are acted on */

    return remark(decoder, SEVERITY_NOTE, key->place,
                  "\"%s%s%s\"%s%s is not acted on by this version (it has no effect)", field->key,
                  by_value ? ": " : "", by_value ? key->next->text : "", IN(mapping));
}

#define SUBJECT_MAX 64

/* What messages say is wrong. */
static const char *subject(char buffer[static SUBJECT_MAX], const Decoder *decoder,
                           const Field *field)
{
    if (!field->key)
        return decoder->language->subject;
    snprintf(buffer, SUBJECT_MAX, "%s\"%s\"", field->entry ? "an entry of " : "", field->key);
    return buffer;
}

const Seen *seen_key(const Mapping *mapping, const Seen *seen, const char *key)
{
    const Field *field = find_field(mapping, key);

    assert(field);
    return &seen[field - mapping->fields];
}

static bool is_empty(const Node *node)
{
    static const char *const nothing[] = { "~", "null", "Null", "NULL" };

    if (node->kind != NODE_TEXT)
        return !node->first && !node->unfinished;
    if (node->text[strspn(node->text, " \t\r\n")] == '\0')
        return true;
    for (size_t i = 0; node->plain && i < ELEMENTS(nothing); i++)
        if (strcmp(node->text, nothing[i]) == 0)
            return true;
    return false;
}

static int refuse_empty(Decoder *decoder, const Field *field, PolicyPlace place)
{
    char what[SUBJECT_MAX];

    return refuse(decoder, place, "%s is empty (for example %s)", subject(what, decoder, field),
                  field->example);
}

static int refuse_kind(Decoder *decoder, const Field *field, const Node *node)
{
    static const char *const kinds[] = {
        [NODE_TEXT] = "a single value",
        [NODE_LIST] = "a list",
        [NODE_MAPPING] = "a mapping",
    };
    char what[SUBJECT_MAX];

    if (field->mapping && node->kind == NODE_TEXT && find_unspaced(field->mapping, node))
        return refuse_unspaced(decoder, field->mapping, node);
    return refuse(decoder, node->place, "%s must be %s, not %s (for example %s)",
                  subject(what, decoder, field), kinds[field->type->kind], kinds[node->kind],
                  field->example);
}

static int decode_entry(Decoder *decoder, const Field *field, const Node *entry, void *object);

/* Of a mapping where a list of them belongs the mistakes are told as well. */
static int decode_wrong_kind(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    int r = refuse_kind(decoder, field, node);
    if (r < 0 || !field->list || field->list->entry->type->kind != NODE_MAPPING ||
        node->kind != NODE_MAPPING || is_empty(node))
        return r;
    r = decode_entry(decoder, field, node, object);
    return r < 0 ? r : REFUSED;
}

int decode_node(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    if (node->refused)
        return REFUSED;
    if (node->kind == NODE_TEXT && is_empty(node))
        return refuse_empty(decoder, field, node->place);
    if (node->kind != field->type->kind)
        return decode_wrong_kind(decoder, field, node, object);
    if (is_empty(node))
        return refuse_empty(decoder, field, node->place);

    int r = field->type->decode(decoder, field, node, object);
    if (r == DECODED && field->place)
        *(PolicyPlace *)((char *)object + field->place) = node->place;
    return r;
}

/* A value that was decoded is one that this version does not act on. */
static bool is_for_later(const Field *field, void *object)
{
    if (field->later == LATER_NEVER)
        return false;
    if (field->type == &type_enum)
        return !(field->acted_on & 1u << *(unsigned *)field_of(field, object));
    if (field->type == &type_bool)
        return !(field->acted_on & 1u << *(bool *)field_of(field, object));
    return true;
}

/* What is below a misspelt key of @node is judged too, unless the right one is there as well.
 * Single values are not: their key may be meant otherwise, and one message would make two. */
static int decode_unknown_key(Decoder *decoder, const Mapping *mapping, const Node *node,
                              const Node *key, Seen *all_seen, void *object)
{
    const Field *field;

    int r = refuse_unknown_key(decoder, mapping, key, &field);
    if (r < 0 || !field)
        return r;
    Seen *seen = &all_seen[field - mapping->fields];
    if (!seen->misspelt && key->next && key->next->kind != NODE_TEXT &&
        key->next->kind == field->type->kind && !node_value(node, field->key))
        r = decode_node(decoder, field, key->next, object);
    seen->misspelt = true;
    return r < 0 ? r : REFUSED;
}

static int decode_key(Decoder *decoder, const Mapping *mapping, const Node *node, const Node *key,
                      Seen *all_seen, void *object)
{
    if (key->kind != NODE_TEXT)
        return refuse(decoder, key->place,
                      "a key must be a word, not a list or mapping (write key: value)");
    if (key->refused)
        return REFUSED;
    const Field *field = find_field(mapping, key->text);
    if (!field)
        return decode_unknown_key(decoder, mapping, node, key, all_seen, object);

    Seen *seen = &all_seen[field - mapping->fields];
    if (seen->key)
        return refuse(decoder, key->place, "duplicate key \"%s\" (it is on line %zu already)",
                      field->key, seen->key->place.line);
    seen->key = key;
    seen->refused = true;
    if (!key->next) /* could not be read */
        return REFUSED;

    int r = decode_node(decoder, field, key->next, object);
    seen->refused = r != DECODED;
    if (r == DECODED && !decoder->fragment && is_for_later(field, object))
        r = remark_later(decoder, mapping, field, key);
    return r;
}

/* @key is there, or what can stand for it, or what seems to mean it: one mistake is one message. */
static bool is_given(const Mapping *mapping, const Seen *seen, const char *key)
{
    for (size_t i = 0; i < mapping->n_fields; i++) {
        const Field *field = &mapping->fields[i];

        if (!seen[i].key && !seen[i].misspelt)
            continue;
        if (strcmp(field->key, key) == 0 || (field->replaces && strcmp(field->replaces, key) == 0))
            return true;
    }
    return false;
}

static int check_required(Decoder *decoder, const Mapping *mapping, const Seen *seen,
                          PolicyPlace place)
{
    for (size_t i = 0; i < mapping->n_fields; i++) {
        const Field *field = &mapping->fields[i];

        if (!field->required || is_given(mapping, seen, field->key))
            continue;
        if (refuse(decoder, place, "\"%s\" is missing%s%s (for example %s)", field->key,
                   IN(mapping), field->example) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int decode_mapping(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    const Mapping *mapping = field->mapping;
    Seen seen[FIELDS_MAX] = { 0 };

    assert(mapping->n_fields <= FIELDS_MAX);
    if (mapping->set_defaults)
        mapping->set_defaults(object);

    NODE_FOREACH_KEY(key, node)
    {
        int r = decode_key(decoder, mapping, node, key, seen, object);
        if (r < 0)
            return r;
    }
    if (decoder->fragment || node->unfinished)
        return DECODED;

    int r = check_required(decoder, mapping, seen, node->place);
    if (r < 0)
        return r;
    return mapping->check ? mapping->check(decoder, mapping, node, seen, object) : DECODED;
}

const ValueType type_mapping = { .kind = NODE_MAPPING, .decode = decode_mapping };

/* A new, zeroed entry behind those of the field's array, or NULL. The array is a pointer of any
 * type, hence memcpy(). */
static void *append_entry(const Field *field, void *object)
{
    const List *list = field->list;
    size_t *n = (size_t *)((char *)object + list->n_offset);
    char *array;

    memcpy(&array, field_of(field, object), sizeof(array));
    if ((*n & (*n - 1)) == 0) { /* full at every power of two */
        array = reallocarray(array, *n > 0 ? *n * 2 : 1, list->entry_size);
        if (!array)
            return NULL;
        memcpy(field_of(field, object), &array, sizeof(array));
    }
    return memset(array + (*n)++ * list->entry_size, 0, list->entry_size);
}

/* One entry of the list @field. */
static int decode_entry(Decoder *decoder, const Field *field, const Node *entry, void *object)
{
    const List *list = field->list;
    void *target = list->entry_size > 0 ? append_entry(field, object) : object;

    return target ? decode_node(decoder, list->entry, entry, target) : -ENOMEM;
}

static int decode_list(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    int result = DECODED;

    for (const Node *entry = node->first; entry; entry = entry->next) {
        int r = decode_entry(decoder, field, entry, object);
        if (r < 0)
            return r;
        if (r != DECODED)
            result = r;
    }
    return result;
}

const ValueType type_list = { .kind = NODE_LIST, .decode = decode_list };
