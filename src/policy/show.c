/* SPDX-License-Identifier: MIT */
/* The lines are made first and printed when it is known how wide they are, so that the origins
 * stand below each other. Texts are quoted where YAML, ours or another reader's, would take them
 * for something else than was meant. */
#include "policy/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/text.h"

#define INDENT 2

/* Origins stand no further to the right; behind longer lines they follow at once. */
#define ORIGIN_COLUMN_MAX 60

typedef struct Line {
    char *text;
    size_t columns;
    PolicyPlace place;
} Line;

typedef struct Lines {
    Line *lines;
    size_t n_lines;
} Lines;

static void lines_clear(Lines *lines)
{
    for (size_t i = 0; i < lines->n_lines; i++)
        free(lines->lines[i].text);
    free(lines->lines);
}

/* Takes @text over, in any case; it may be NULL. */
static int add_line(Lines *lines, char *text, PolicyPlace place)
{
    CLEANUP_FREE char *taken = text;
    Line *grown = text ? reallocarray(lines->lines, lines->n_lines + 1, sizeof(Line)) : NULL;
    if (!grown)
        return -ENOMEM;

    lines->lines = grown;
    grown[lines->n_lines++] = (Line){ TAKE_PTR(taken), text_columns(text), place };
    return 0;
}

/* Texts */

/* Every character stands for itself on a terminal, and so in YAML. */
static bool is_printable(const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        char shown[TEXT_SHOWN_MAX];
        size_t taken = text_show(text, left, true, shown);

        if (strlen(shown) != taken || memcmp(shown, text, taken) != 0)
            return false;
        text += taken;
        left -= taken;
    }
    return true;
}

static bool is_blank_or_end(char c)
{
    return c == ' ' || c == '\0';
}

/* Without quotation marks it is read as this text, and as nothing else that YAML has (7.3.3). */
static bool can_be_plain(const char *text)
{
    size_t n = strlen(text);

    if (n == 0 || text[0] == ' ' || text[n - 1] == ' ' || text[n - 1] == ':')
        return false;
    if (strchr(",[]{}#&*!|>'\"%@`", text[0]))
        return false;
    if (strchr("-?:", text[0]) && is_blank_or_end(text[1]))
        return false;
    if (strncmp(text, "---", 3) == 0 || strncmp(text, "...", 3) == 0)
        return false;
    return !strstr(text, ": ") && !strstr(text, " #") && is_printable(text);
}

/* Other readers of YAML, and ours for null, know it as something else than a text. */
static bool has_other_meaning(const char *text)
{
    static const char *const words[] = { "null",  "~",     "true", "false", "yes",  "no",
                                         "on",    "off",   "y",    "n",     ".inf", ".nan",
                                         "-.inf", "+.inf", "<<",   "=" };

    for (size_t i = 0; i < ELEMENTS(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    /* Numbers of any base, times and dates. */
    return strchr("0123456789+-.", text[0]) && strpbrk(text, "0123456789") &&
           text[strspn(text, "0123456789abcdefABCDEFoxtzTZ+-.:_ ")] == '\0';
}

static char *quote_text(const char *text)
{
    size_t left = strlen(text);
    char *quoted = malloc(left * (TEXT_SHOWN_MAX - 1) + 3);
    if (!quoted)
        return NULL;

    char *p = quoted;
    *p++ = '"';
    while (left > 0) {
        char shown[TEXT_SHOWN_MAX];
        size_t taken = text_show(text, left, true, shown);

        if (*text == '"' || *text == '\\')
            *p++ = '\\';
        p = stpcpy(p, shown);
        text += taken;
        left -= taken;
    }
    strcpy(p, "\"");
    return quoted;
}

/* To be freed. What was written without quotation marks has the meaning that it was read with. */
static char *text_of(const Node *node)
{
    if (can_be_plain(node->text) && (node->plain || !has_other_meaning(node->text)))
        return strdup(node->text);
    return quote_text(node->text);
}

/* The tree */

static bool fits_behind_key(const Node *node)
{
    return node->kind == NODE_TEXT || !node->first;
}

static char *format(const char *lead, const char *text, const char *end)
{
    char *line;

    return asprintf(&line, "%s%s%s", lead, text, end) < 0 ? NULL : line;
}

static char *spaces(size_t n)
{
    char *text;

    return asprintf(&text, "%*s", (int)n, "") < 0 ? NULL : text;
}

static int show_node(Lines *lines, const Node *node, const char *lead, size_t indent,
                     PolicyPlace place);

/* @lead stands in front of the first line, and @indent columns in front of those that follow. */
static int show_list(Lines *lines, const Node *list, const char *lead, size_t indent)
{
    CLEANUP_FREE char *margin = spaces(indent);
    int r = margin ? 0 : -ENOMEM;

    for (const Node *entry = list->first; entry && r >= 0; entry = entry->next) {
        CLEANUP_FREE char *start = format(entry == list->first ? lead : margin, "- ", "");
        r = start ? show_node(lines, entry, start, indent + INDENT, entry->place) : -ENOMEM;
    }
    return r;
}

/* A mapping's key and its value; where it has lines of its own, they are indented by @indent. */
static int show_key(Lines *lines, const Node *key, const char *lead, size_t indent)
{
    CLEANUP_FREE char *text = text_of(key);
    CLEANUP_FREE char *below = spaces(indent);
    if (!text || !below)
        return -ENOMEM;

    if (!fits_behind_key(key->next)) {
        int r = add_line(lines, format(lead, text, ":"), key->place);
        return r < 0 ? r : show_node(lines, key->next, below, indent, key->place);
    }
    CLEANUP_FREE char *start = format(lead, text, ": ");
    return start ? show_node(lines, key->next, start, indent, key->place) : -ENOMEM;
}

static int show_mapping(Lines *lines, const Node *mapping, const char *lead, size_t indent)
{
    CLEANUP_FREE char *margin = spaces(indent);
    int r = margin ? 0 : -ENOMEM;

    for (const Node *key = mapping->first; key && r >= 0; key = key->next->next)
        r = show_key(lines, key, key == mapping->first ? lead : margin, indent + INDENT);
    return r;
}

/* @place is the origin of what is one line. */
static int show_node(Lines *lines, const Node *node, const char *lead, size_t indent,
                     PolicyPlace place)
{
    if (node->kind == NODE_TEXT) {
        CLEANUP_FREE char *text = text_of(node);
        return text ? add_line(lines, format(lead, text, ""), place) : -ENOMEM;
    }
    if (!node->first)
        return add_line(lines, format(lead, node->kind == NODE_LIST ? "[]" : "{}", ""), place);
    return node->kind == NODE_LIST ? show_list(lines, node, lead, indent)
                                   : show_mapping(lines, node, lead, indent);
}

static int print_line(FILE *out, const Line *line, size_t column, const Source *sources)
{
    CLEANUP_FREE char *file = text_printable(sources[line->place.file].path);
    size_t gap = line->columns < column ? column - line->columns : 0;
    if (!file)
        return -ENOMEM;

    fprintf(out, "%s%*s  # %s:%zu\n", line->text, (int)gap, "", file, line->place.line);
    return 0;
}

static char *print_lines(const Lines *lines, const Source *sources)
{
    char *text = NULL;
    size_t size, column = 0;
    int r = 0;

    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < lines->n_lines; i++)
        if (lines->lines[i].columns > column && lines->lines[i].columns <= ORIGIN_COLUMN_MAX)
            column = lines->lines[i].columns;
    for (size_t i = 0; i < lines->n_lines && r >= 0; i++)
        r = print_line(out, &lines->lines[i], column, sources);
    if (fclose(out) != 0 || r < 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *show_document(const Node *tree, const Source *sources)
{
    cleanup(lines_clear) Lines lines = { 0 };

    int r = show_node(&lines, tree, "", 0, tree->place);
    return r < 0 ? NULL : print_lines(&lines, sources);
}
