/* SPDX-License-Identifier: MIT */
#include "policy/json.h"

#define INDENT 2

static void begin_line(JsonWriter *json)
{
    fprintf(json->file, "\n%*s", (int)json->depth * INDENT, "");
}

static void write_quoted(JsonWriter *json, const char *text)
{
    fputc('"', json->file);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20)
            fprintf(json->file, "\\u%04x", (unsigned)c);
        else if (c == '"' || c == '\\')
            fprintf(json->file, "\\%c", c);
        else
            fputc(c, json->file);
    }
    fputc('"', json->file);
}

/* What stands before a member. */
static void begin_member(JsonWriter *json, const char *key)
{
    if (json->has_member)
        fputc(',', json->file);
    if (json->in_line == 0 && json->depth > 0)
        begin_line(json);
    else if (json->has_member)
        fputc(' ', json->file);
    if (key) {
        write_quoted(json, key);
        fputs(": ", json->file);
    }
    json->has_member = true;
}

static void open_bracket(JsonWriter *json, const char *key, char bracket, unsigned *level)
{
    begin_member(json, key);
    fputc(bracket, json->file);
    (*level)++;
    json->has_member = false;
}

void json_open(JsonWriter *json, const char *key, char bracket)
{
    open_bracket(json, key, bracket, json->in_line > 0 ? &json->in_line : &json->depth);
}

void json_open_in_line(JsonWriter *json, const char *key, char bracket)
{
    open_bracket(json, key, bracket, &json->in_line);
}

void json_close(JsonWriter *json, char bracket)
{
    if (json->in_line > 0) {
        json->in_line--;
    } else {
        json->depth--;
        if (json->has_member)
            begin_line(json);
    }
    fputc(bracket, json->file);
    json->has_member = true;
}

void json_string(JsonWriter *json, const char *key, const char *text)
{
    begin_member(json, key);
    write_quoted(json, text);
}

void json_plain(JsonWriter *json, const char *key, const char *value)
{
    begin_member(json, key);
    fputs(value, json->file);
}
