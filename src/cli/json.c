/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

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

int json_print(struct json_object *object, FILE *out, JsonMode mode)
{
    int pretty = mode == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY : 0;
    const char *text = json_object_to_json_string_ext(object,
                                                      JSON_C_TO_STRING_NOSLASHESCAPE | pretty);

    if (!text)
        return -ENOMEM;
    return fprintf(out, "%s\n", text) < 0 ? -EIO : 0;
}
