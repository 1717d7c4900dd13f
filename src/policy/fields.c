/* SPDX-License-Identifier: MIT */
/* Follows the tables: looks every key up, holds the node against the field's kind, and hands it to
 * the field's handler. A mistake is reported and passed over, so that one pass finds all of them;
 * only what makes the rest unreadable ends it. Recursion is bounded by READER_DEPTH_MAX. */
#include "policy/fields.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/text.h"
#include "util/cleanup.h"

int refuse(Decoder *decoder, PolicyPlace place, const char *format, ...)
{
    CLEANUP_FREE char *message = NULL;
    va_list args;

    va_start(args, format);
    int r = vasprintf(&message, format, args);
    va_end(args);
    if (r < 0) {
        message = NULL;
        return -ENOMEM;
    }

    r = diagnostics_add(decoder->diagnostics, place.line, place.column, "%s", message);
    return r < 0 ? r : REFUSED;
}

static int skip(Decoder *decoder, const Node *node, int result)
{
    if (result < 0)
        return result;
    int r = reader_skip(&decoder->reader, node);
    return r < 0 ? r : result;
}

/* The pair " in NAME", or nothing for the policy itself. */
#define IN(mapping) (mapping)->name ? " in " : "", (mapping)->name ? (mapping)->name : ""

#define SUBJECT_MAX 64

/* What messages say is wrong. */
static const char *subject(char buffer[static SUBJECT_MAX], const Field *field)
{
    if (!field->key)
        return "a policy";
    snprintf(buffer, SUBJECT_MAX, "%s\"%s\"", field->entry ? "an entry of " : "", field->key);
    return buffer;
}

static const Field *find_field(const Mapping *mapping, const char *key)
{
    for (size_t i = 0; i < mapping->n_fields; i++)
        if (strcmp(mapping->fields[i].key, key) == 0)
            return &mapping->fields[i];
    return NULL;
}

const Seen *seen_key(const Mapping *mapping, const Seen *seen, const char *key)
{
    const Field *field = find_field(mapping, key);

    assert(field);
    return &seen[field - mapping->fields];
}

/* "budget, files": the keys of @mapping that are supported. */
static int list_keys(const Mapping *mapping, char **ret)
{
    CLEANUP_FREE char *keys = NULL;

    for (size_t i = 0; i < mapping->n_fields; i++) {
        char *longer;

        if (!mapping->fields[i].decode)
            continue;
        if (asprintf(&longer, "%s%s%s", keys ? keys : "", keys ? ", " : "",
                     mapping->fields[i].key) < 0)
            return -ENOMEM;
        free(keys);
        keys = longer;
    }
    *ret = TAKE_PTR(keys);
    return 0;
}

/* Another mapping of the language that has @key, or NULL. */
static const Mapping *find_home(const Decoder *decoder, const char *key)
{
    for (const Mapping *const *mapping = decoder->mappings; *mapping; mapping++)
        if (find_field(*mapping, key))
            return *mapping;
    return NULL;
}

/* The first @n characters of @key are the key that was meant, if it is one. */
static void note_meant(const Mapping *mapping, const char *key, size_t n, Seen *seen)
{
    for (size_t i = 0; i < mapping->n_fields; i++)
        if (strlen(mapping->fields[i].key) == n && memcmp(mapping->fields[i].key, key, n) == 0)
            seen[i].misspelt = true;
}

static int refuse_unknown_key(Decoder *decoder, const Mapping *mapping, const Node *key, Seen *seen)
{
    const Mapping *home = find_home(decoder, key->text);
    Suggestion suggestion = { 0 };
    CLEANUP_FREE char *known = NULL;

    if (key->plain && strchr(key->text, ':')) {
        note_meant(mapping, key->text, strcspn(key->text, ":"), seen);
        return refuse(decoder, key->place,
                      "unknown key %s%s%s (a space is missing behind the colon)", QUOTE(key->text),
                      IN(mapping));
    }
    if (home)
        return refuse(decoder, key->place, "unknown key %s%s%s (it belongs %s%s)", QUOTE(key->text),
                      IN(mapping), home->name ? "in " : "at the top", home->name ? home->name : "");

    for (size_t i = 0; i < mapping->n_fields; i++)
        suggestion_offer(&suggestion, key->text, mapping->fields[i].key);
    if (suggestion.word) {
        note_meant(mapping, suggestion.word, strlen(suggestion.word), seen);
        return refuse(decoder, key->place, "unknown key %s%s%s (did you mean \"%s\"?)",
                      QUOTE(key->text), IN(mapping), suggestion.word);
    }

    int r = list_keys(mapping, &known);
    if (r < 0)
        return r;
    return refuse(decoder, key->place, "unknown key %s%s%s (known here: %s)", QUOTE(key->text),
                  IN(mapping), known);
}

static bool is_empty(const Node *node)
{
    static const char *const nothing[] = { "~", "null", "Null", "NULL" };

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

    return refuse(decoder, place, "%s is empty (for example %s)", subject(what, field),
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

    return refuse(decoder, node->place, "%s must be %s, not %s (for example %s)",
                  subject(what, field), kinds[field->kind], kinds[node->kind], field->example);
}

int decode_node(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    PolicyPlace place = node->place;

    if (node->refused)
        return skip(decoder, node, REFUSED);
    if (node->kind == NODE_TEXT && is_empty(node))
        return refuse_empty(decoder, field, place);
    if (node->kind != field->kind)
        return skip(decoder, node, refuse_kind(decoder, field, node));

    int r = field->decode(decoder, field, node, object);
    if (r == DECODED && field->place)
        *(PolicyPlace *)((char *)object + field->place) = place;
    return r;
}

/* The value that @key announces. */
static int decode_value(Decoder *decoder, const Field *field, Seen *seen, PolicyPlace key,
                        void *object)
{
    Node node;
    int r = reader_next(&decoder->reader, &node);
    if (r < 0)
        return r;

    if (!field)
        return skip(decoder, &node, REFUSED);
    if (seen->key.line > 0)
        return skip(decoder, &node,
                    refuse(decoder, key, "duplicate key \"%s\" (it is on line %zu already)",
                           field->key, seen->key.line));
    seen->key = key;
    if (!field->decode) {
        seen->refused = true;
        return skip(decoder, &node, REFUSED);
    }

    r = decode_node(decoder, field, &node, object);
    seen->refused = r != DECODED;
    return r;
}

static int decode_key(Decoder *decoder, const Mapping *mapping, const Node *key, Seen *seen,
                      void *object)
{
    const Field *field = NULL;
    PolicyPlace place = key->place;
    int r = DECODED;

    if (key->kind != NODE_TEXT)
        r = skip(decoder, key,
                 refuse(decoder, place, "a key must be a word, not a list or mapping"));
    else if (!key->refused) {
        field = find_field(mapping, key->text);
        if (!field)
            r = refuse_unknown_key(decoder, mapping, key, seen);
        else if (!field->decode)
            r = refuse(decoder, place, "\"%s\"%s%s is not supported yet", field->key, IN(mapping));
    }
    if (r < 0)
        return r;

    return decode_value(decoder, field, field ? &seen[field - mapping->fields] : NULL, place,
                        object);
}

/* @key is there, or what can stand for it, or what seems to mean it: one mistake is one message. */
static bool is_given(const Mapping *mapping, const Seen *seen, const char *key)
{
    for (size_t i = 0; i < mapping->n_fields; i++) {
        const Field *field = &mapping->fields[i];

        if (seen[i].key.line == 0 && !seen[i].misspelt)
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

int decode_mapping(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    const Mapping *mapping = field->mapping;
    Seen seen[FIELDS_MAX] = { 0 };
    PolicyPlace place = node->place;
    bool empty = true;

    assert(mapping->n_fields <= FIELDS_MAX);
    if (mapping->set_defaults)
        mapping->set_defaults(object);

    for (;; empty = false) {
        Node key;
        int r = reader_next(&decoder->reader, &key);
        if (r < 0)
            return r;
        if (key.kind == NODE_END)
            break;
        r = decode_key(decoder, mapping, &key, seen, object);
        if (r < 0)
            return r;
    }
    if (empty)
        return refuse_empty(decoder, field, place);

    int r = check_required(decoder, mapping, seen, place);
    if (r < 0)
        return r;
    return mapping->check ? mapping->check(decoder, mapping, seen, object) : DECODED;
}

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

int decode_list(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    const List *list = field->list;
    PolicyPlace place = node->place;

    for (bool empty = true;; empty = false) {
        Node entry;
        void *target = object;
        int r = reader_next(&decoder->reader, &entry);
        if (r < 0)
            return r;
        if (entry.kind == NODE_END)
            return empty ? refuse_empty(decoder, field, place) : DECODED;

        if (list->entry_size > 0) {
            target = append_entry(field, object);
            if (!target)
                return -ENOMEM;
        }
        r = decode_node(decoder, list->entry, &entry, target);
        if (r < 0)
            return r;
    }
}
