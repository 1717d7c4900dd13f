/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

#include <errno.h>
#include <string.h>

int json_add(struct json_object *object, const char *key, struct json_object *value)
{
    if (value && json_object_object_add(object, key, value) >= 0)
        return 0;
    json_object_put(value);
    return -ENOMEM;
}

int json_append(struct json_object *array, struct json_object *value)
{
    if (value && json_object_array_add(array, value) >= 0)
        return 0;
    json_object_put(value);
    return -ENOMEM;
}

int json_add_text(struct json_object *object, const char *key, const char *text)
{
    if (text)
        return json_add(object, key, json_text(text));
    return json_object_object_add(object, key, NULL) < 0 ? -ENOMEM : 0;
}

int json_add_number(struct json_object *object, const char *key, bool known, uint64_t value)
{
    if (known)
        return json_add(object, key, json_object_new_uint64(value));
    return json_object_object_add(object, key, NULL) < 0 ? -ENOMEM : 0;
}

struct json_object *json_sources(const ConfigEntry *entry, size_t first)
{
    cleanup(json_object_putp) struct json_object *paths = json_object_new_array();

    for (size_t i = first; i < entry->n_sources; i++)
        if (!paths || json_append(paths, json_text(entry->sources[i].path)) < 0)
            return NULL;
    return TAKE_PTR(paths);
}

struct json_object *json_diagnostic(const ConfigEntry *entry, const Diagnostic *diagnostic)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();
    const PolicyPlace *place = &diagnostic->place;

    if (!object ||
        json_add_text(object, "severity", severity_to_string(diagnostic->severity)) < 0 ||
        json_add_text(object, "file", entry->sources[place->file].path) < 0 ||
        json_add_number(object, "line", place->line > 0, place->line) < 0 ||
        json_add_number(object, "column", place->line > 0, place->column) < 0 ||
        json_add_text(object, "message", diagnostic->message) < 0)
        return NULL;
    return TAKE_PTR(object);
}

/* NULL: out of memory. */
static const char *to_text(struct json_object *object, JsonMode mode)
{
    int pretty = mode == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY : 0;

    return json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE | pretty);
}

int json_print(struct json_object *object, FILE *out, JsonMode mode)
{
    const char *text = to_text(object, mode);

    if (!text)
        return -ENOMEM;
    return fprintf(out, "%s\n", text) < 0 ? -EIO : 0;
}

void json_list_begin(JsonList *list, FILE *out, JsonMode mode, const char *key)
{
    *list = (JsonList){ out, mode, 0 };
    fprintf(out, mode == JSON_PRETTY ? "{\n  \"%s\":[" : "{\"%s\":[", key);
}

/* Every line of it but the first after @indent; within a string there is no line break. */
static int print_part(const JsonList *list, struct json_object *value, const char *indent)
{
    const char *text = value ? to_text(value, list->mode) : NULL;

    for (const char *end; text && (end = strchr(text, '\n')); text = end + 1) {
        fwrite_unlocked(text, 1, (size_t)(end + 1 - text), list->out);
        fputs_unlocked(indent, list->out);
    }
    if (text)
        fputs_unlocked(text, list->out);
    json_object_put(value);
    return !text ? -ENOMEM : ferror(list->out) ? -EIO : 0;
}

int json_list_add(JsonList *list, struct json_object *value)
{
    if (list->n++ > 0)
        fputs_unlocked(",", list->out);
    if (list->mode == JSON_PRETTY)
        fputs_unlocked("\n    ", list->out);
    return print_part(list, value, "    ");
}

int json_list_end(JsonList *list, const char *last_key, struct json_object *value)
{
    bool pretty = list->mode == JSON_PRETTY;

    fprintf(list->out, pretty ? "\n  ],\n  \"%s\":" : "],\"%s\":", last_key);
    int r = print_part(list, value, "  ");
    if (r < 0)
        return r;
    return fputs(pretty ? "\n}\n" : "}\n", list->out) < 0 ? -EIO : 0;
}
