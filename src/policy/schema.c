/* SPDX-License-Identifier: MIT */
/* Everything stands where it is used: editors show what is said of a key only where it is beside
 * the value's type, and draft 7 ignores what stands beside a reference. */
#include "policy/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/json.h"
#include "policy/values.h"
#include "util/cleanup.h"

static bool is_plain(const Node *node)
{
    const char *text = node->text;

    return node->plain && (text[strspn(text, "0123456789")] == '\0' || strcmp(text, "true") == 0 ||
                           strcmp(text, "false") == 0);
}

static void write_node(JsonWriter *json, const char *key, const Node *node)
{
    if (node->kind == NODE_LIST) {
        json_open_in_line(json, key, '[');
        for (const Node *entry = node->first; entry; entry = entry->next)
            write_node(json, NULL, entry);
        json_close(json, ']');
    } else if (node->kind == NODE_MAPPING) {
        json_open_in_line(json, key, '{');
        NODE_FOREACH_KEY(member, node)
        {
            write_node(json, member->text, member->next);
        }
        json_close(json, '}');
    } else if (is_plain(node)) {
        json_plain(json, key, node->text);
    } else {
        json_string(json, key, node->text);
    }
}

static int read_yaml(const char *text, Node **ret)
{
    const Source source = { "table", text, strlen(text) };
    Diagnostics diagnostics = { 0 };

    int r = document_read(&source, 0, &diagnostics, ret);
    diagnostics_clear(&diagnostics);
    return r;
}

static int write_default(JsonWriter *json, const Field *field)
{
    cleanup(node_freep) Node *value = NULL;

    if (!field->fallback)
        return 0;
    int r = read_yaml(field->fallback, &value);
    if (r < 0)
        return r;
    write_node(json, "default", value);
    return 0;
}

static int write_examples(JsonWriter *json, const Field *field)
{
    cleanup(node_freep) Node *example = NULL;

    int r = read_yaml(field->example, &example);
    if (r < 0)
        return r;
    const Node *value = node_value(example, field->key);
    if (!value)
        return -EBADMSG;

    json_open_in_line(json, "examples", '[');
    write_node(json, NULL, value);
    json_close(json, ']');
    return 0;
}

/* Editors show a description, and not all of them the default and the examples. */
static int write_description(JsonWriter *json, const Field *field)
{
    const char *fallback = field->fallback;
    CLEANUP_FREE char *description = NULL;

    if (asprintf(&description, "%s. %s%s%sExample: %s", field->help, fallback ? "Default: " : "",
                 fallback ? fallback : "", fallback ? ". " : "", field->example) < 0) {
        description = NULL;
        return -ENOMEM;
    }
    json_string(json, "description", description);
    return 0;
}

static void write_words(JsonWriter *json, const EnumNames *names)
{
    json_open_in_line(json, "enum", '[');
    for (size_t i = 0; i < names->n_names; i++)
        json_string(json, NULL, names->names[i]);
    json_close(json, ']');
}

/* A pattern is asked of text alone, a minimum of numbers. */
static void write_scalar(JsonWriter *json, const ValueType *type)
{
    static const char *const plain[] = {
        [PLAIN_INTEGER] = "[\"integer\", \"string\"]",
        [PLAIN_BOOLEAN] = "[\"boolean\", \"string\"]",
        [PLAIN_ANY] = "[\"string\", \"number\", \"boolean\"]",
        [PLAIN_TEXT] = "\"string\"",
    };

    json_plain(json, "type", plain[type->plain]);
    if (type->pattern)
        json_string(json, "pattern", type->pattern);
    if (type->plain == PLAIN_INTEGER)
        json_plain(json, "minimum", "1");
    if (type == &type_version)
        json_plain(json, "maximum", "1");
}

static int write_type(JsonWriter *json, const Field *field);

static int write_list(JsonWriter *json, const List *list)
{
    json_string(json, "type", "array");
    json_plain(json, "minItems", "1");
    if (list->entry->names) /* each word once */
        json_plain(json, "uniqueItems", "true");
    json_open(json, "items", '{');
    int r = write_type(json, list->entry);
    json_close(json, '}');
    return r;
}

static int write_field(JsonWriter *json, const Field *field)
{
    json_open(json, field->key, '{');
    int r = write_description(json, field);
    if (r >= 0)
        r = write_type(json, field);
    if (r >= 0)
        r = write_default(json, field);
    if (r >= 0)
        r = write_examples(json, field);
    json_close(json, '}');
    return r;
}

static bool has_substitute(const Mapping *mapping, const Field *required)
{
    for (size_t i = 0; i < mapping->n_fields; i++) {
        const char *replaces = mapping->fields[i].replaces;

        if (replaces && strcmp(replaces, required->key) == 0)
            return true;
    }
    return false;
}

/* Nothing, where there are none: not every editor knows what to make of an empty list. */
static void write_key_list(JsonWriter *json, const char *const keys[], size_t n_keys)
{
    if (n_keys == 0)
        return;
    json_open_in_line(json, "required", '[');
    for (size_t i = 0; i < n_keys; i++)
        json_string(json, NULL, keys[i]);
    json_close(json, ']');
}

static void write_required_one(JsonWriter *json, const char *key)
{
    json_open(json, NULL, '{');
    write_key_list(json, &key, 1);
    json_close(json, '}');
}

/* A required key that others can stand for, and these. No mapping has two of them: the second would
 * be a second "anyOf". */
static void write_substitutes(JsonWriter *json, const Mapping *mapping, const Field *required)
{
    json_open_in_line(json, "anyOf", '[');
    write_required_one(json, required->key);
    for (size_t i = 0; i < mapping->n_fields; i++) {
        const Field *field = &mapping->fields[i];

        if (field->replaces && strcmp(field->replaces, required->key) == 0)
            write_required_one(json, field->key);
    }
    json_close(json, ']');
}

static void write_required(JsonWriter *json, const Mapping *mapping)
{
    const char *keys[FIELDS_MAX];
    size_t n_keys = 0;

    for (size_t i = 0; i < mapping->n_fields; i++)
        if (mapping->fields[i].required && !has_substitute(mapping, &mapping->fields[i]))
            keys[n_keys++] = mapping->fields[i].key;
    write_key_list(json, keys, n_keys);
    if (n_keys == 0)
        json_plain(json, "minProperties", "1");

    for (size_t i = 0; i < mapping->n_fields; i++)
        if (mapping->fields[i].required && has_substitute(mapping, &mapping->fields[i]))
            write_substitutes(json, mapping, &mapping->fields[i]);
}

/* The selector has this word. That to which it falls back is judged where it is not written: who
 * writes it puts the other keys aside, of which the decoder only warns. */
static void write_condition(JsonWriter *json, const Field *selector, const char *word)
{
    bool absent = strcmp(selector->fallback, word) == 0;

    json_open(json, "if", '{');
    if (absent) {
        json_open(json, "not", '{');
    } else {
        json_open(json, "properties", '{');
        json_open(json, selector->key, '{');
        json_string(json, "const", word);
        json_close(json, '}');
        json_close(json, '}');
    }
    write_key_list(json, &selector->key, 1);
    if (absent)
        json_close(json, '}');
    json_close(json, '}');
}

static void write_consequence(JsonWriter *json, const Mapping *mapping, unsigned bit)
{
    const char *needed[FIELDS_MAX];
    size_t n_needed = 0;

    json_open(json, "then", '{');
    json_open(json, "properties", '{');
    for (size_t i = 0; i < mapping->n_fields; i++) {
        const Field *field = &mapping->fields[i];

        if (field->with && !(field->with & bit))
            json_plain(json, field->key, "false");
        if (field->needed & bit)
            needed[n_needed++] = field->key;
    }
    json_close(json, '}');
    write_key_list(json, needed, n_needed);
    json_close(json, '}');
}

/* What each word of the selector asks of the other keys. */
static void write_dependents(JsonWriter *json, const Mapping *mapping)
{
    const Field *selector = mapping->fields;

    if (!mapping->selector)
        return;
    while (strcmp(selector->key, mapping->selector) != 0)
        selector++;

    json_open(json, "allOf", '[');
    for (unsigned i = 0; i < selector->names->n_names; i++) {
        json_open_in_line(json, NULL, '{');
        write_condition(json, selector, selector->names->names[i]);
        write_consequence(json, mapping, 1u << i);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static int write_mapping(JsonWriter *json, const Mapping *mapping)
{
    int r = 0;

    json_plain(json, "additionalProperties", "false");
    write_required(json, mapping);
    write_dependents(json, mapping);
    json_open(json, "properties", '{');
    for (size_t i = 0; r >= 0 && i < mapping->n_fields; i++)
        r = write_field(json, &mapping->fields[i]);
    json_close(json, '}');
    return r;
}

static int write_type(JsonWriter *json, const Field *field)
{
    if (field->type == &type_mapping) {
        json_string(json, "type", "object");
        return write_mapping(json, field->mapping);
    }
    if (field->type == &type_list)
        return write_list(json, field->list);
    if (field->names)
        write_words(json, field->names);
    else
        write_scalar(json, field->type);
    return 0;
}

int schema_format(const Language *language, const char *title, char **ret)
{
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return -ENOMEM;

    JsonWriter json = { .file = file };
    json_open(&json, NULL, '{');
    json_string(&json, "$schema", "http://json-schema.org/draft-07/schema#");
    json_string(&json, "$comment",
                "Written from the tables that decode it: change those, not this file.");
    json_string(&json, "title", title);
    json_plain(&json, "type", language->may_be_empty ? "[\"object\", \"null\"]" : "\"object\"");
    int r = write_mapping(&json, language->root->mapping);
    json_close(&json, '}');
    fputc('\n', file);

    bool failed = ferror(file);
    if (fclose(file) != 0 || failed)
        return -ENOMEM;
    if (r < 0)
        return r;
    *ret = TAKE_PTR(text);
    return 0;
}
