/* SPDX-License-Identifier: MIT */
#pragma once

/* JSON as all our verbs make it. */

#include <stdio.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "config/entry.h"

/* A new @value, taken over in any case; NULL stands for the failure to make it. 0, or -ENOMEM. */
int json_add(struct json_object *object, const char *key, struct json_object *value);
int json_append(struct json_object *array, struct json_object *value);

/* @text as by json_text(), or null for NULL. 0, or -ENOMEM. */
int json_add_text(struct json_object *object, const char *key, const char *text);

/* @value, or null where it is not known. 0, or -ENOMEM. */
int json_add_number(struct json_object *object, const char *key, bool known, uint64_t value);

/* The paths of the sources from @first on. NULL: out of memory. */
struct json_object *json_sources(const ConfigEntry *entry, size_t first);

/* With its place in the files of @entry. NULL: out of memory. */
struct json_object *json_diagnostic(const ConfigEntry *entry, const Diagnostic *diagnostic);

/* To @out, with a line break. 0, or -ENOMEM, -EIO. */
int json_print(struct json_object *object, FILE *out, JsonMode mode);

/* {"@key":[…],"@last_key":…} for a list that is too long to be held as objects, which take more
 * than a kilobyte for each file: printed one by one, it looks the same. */
typedef struct JsonList {
    FILE *out;
    JsonMode mode;
    size_t n;
} JsonList;

void json_list_begin(JsonList *list, FILE *out, JsonMode mode, const char *key);

/* As json_append(), and as json_add() at the end. 0, or -ENOMEM, -EIO. */
int json_list_add(JsonList *list, struct json_object *value);
int json_list_end(JsonList *list, const char *last_key, struct json_object *value);
