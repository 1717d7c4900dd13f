/* SPDX-License-Identifier: MIT */
#pragma once

/* Writes JSON as it is best read: one member a line, or a whole array in one. Errors are the
 * file's, to be asked for at the end. */

#include <stdbool.h>
#include <stdio.h>

typedef struct JsonWriter {
    FILE *file;
    unsigned depth;   /* open brackets whose members have lines of their own */
    unsigned in_line; /* open brackets within these, all in one line */
    bool has_member;  /* the innermost one has */
} JsonWriter;

/* @bracket is '{' or '['; @key is NULL in an array and at the top. What is opened within an array
 * in one line is in that line, too. */
void json_open(JsonWriter *json, const char *key, char bracket);
void json_open_in_line(JsonWriter *json, const char *key, char bracket);
void json_close(JsonWriter *json, char bracket);

/* @text is UTF-8. */
void json_string(JsonWriter *json, const char *key, const char *text);

/* @value as it is: a number, true, false. */
void json_plain(JsonWriter *json, const char *key, const char *value);
