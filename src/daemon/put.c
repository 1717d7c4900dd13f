/* SPDX-License-Identifier: MIT */
#include "daemon/put.h"

#include "util/cleanup.h"
#include "util/utf8.h"

void put(json_object *object, const char *key, json_object *value)
{
    json_object_object_add(object, key, value);
}

void put_size(json_object *object, const char *key, uint64_t bytes)
{
    put(object, key, json_object_new_uint64(bytes));
}

void put_string(json_object *object, const char *key, const char *text)
{
    CLEANUP_FREE char *valid = text ? utf8_escape(text) : NULL;

    put(object, key, valid ? json_object_new_string(valid) : NULL);
}

json_object *put_problems(const PinProblem *problems, size_t n)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < n; i++) {
        json_object *problem = json_object_new_object();
        put_string(problem, "path", problems[i].path);
        put_string(problem, "reason", problems[i].reason);
        json_object_array_add(array, problem);
    }
    return array;
}
