/* SPDX-License-Identifier: MIT */
#include "cli/status-parts.h"

#include <string.h>

#include "cli/text.h"

struct json_object *status_member(struct json_object *object, const char *const path[])
{
    for (; *path && object; path++)
        if (!json_object_is_type(object, json_type_object) ||
            !json_object_object_get_ex(object, *path, &object))
            return NULL;
    return object;
}

bool status_bytes(struct json_object *value, uint64_t *ret)
{
    if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
        return false;
    *ret = json_object_get_uint64(value);
    return true;
}

const char *status_text(struct json_object *value)
{
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

char *status_unknown(const OutputOptions *options)
{
    return strdup(options->unicode ? "–" : "-");
}

char *status_text_cell(struct json_object *value, const OutputOptions *options)
{
    const char *text = status_text(value);

    return text ? escape_text(text, options->unicode) : status_unknown(options);
}

char *status_bytes_cell(struct json_object *value, const OutputOptions *options)
{
    char buffer[FORMAT_SIZE_MAX];
    uint64_t bytes;

    if (!status_bytes(value, &bytes))
        return status_unknown(options);
    return strdup(format_bytes(buffer, bytes, options->bytes));
}

char *status_unit_cell(struct json_object *target, const OutputOptions *options)
{
    return status_text_cell(MEMBER(target, "unit"), options);
}
