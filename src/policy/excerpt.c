/* SPDX-License-Identifier: MIT */
/* Places count characters, a terminal counts columns: an escape takes several, a wide character two
 * and a combining one none. So the caret stands behind as many columns as what is shown in front of
 * the place takes. */
#include "policy/excerpt.h"

#include <stdlib.h>
#include <string.h>

#include "policy/text.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#define INDENT 4 /* spaces in front of both lines */

/* What is in front of the place, when not all of the line is shown. */
#define COLUMNS_BEFORE (EXCERPT_COLUMNS * 2 / 3)

typedef struct Line {
    const char *text;
    size_t size; /* bytes, without the break */
} Line;

static size_t character_length(const char *text, size_t size, uint32_t *ret)
{
    int length = utf8_decode(text, size, ret);

    if (length > 0)
        return (size_t)length;
    *ret = 0;
    return 1;
}

static bool is_break_at(const char *text, size_t size, size_t *ret_length)
{
    uint32_t c;

    *ret_length = character_length(text, size, &c);
    return text_is_break(c, *ret_length < size ? text[*ret_length] : '\0');
}

/* Lines as the reader counts them, which passes a byte order mark over. */
static bool find_line(const Source *source, size_t number, Line *ret)
{
    const char *p = source->text, *end = p + source->size;
    size_t length;

    if (source->size >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    for (; number > 1 && p < end; p += length)
        number -= is_break_at(p, (size_t)(end - p), &length);
    if (number != 1)
        return false;

    const char *begin = p;
    while (p < end && !is_break_at(p, (size_t)(end - p), &length))
        p += length;
    if (p < end && *p == '\n' && p > begin && p[-1] == '\r')
        p--;
    *ret = (Line){ begin, (size_t)(p - begin) };
    return true;
}

/* The columns of what is shown of @line, and of what of it is in front of the character @column. */
static size_t measure(const Line *line, size_t column, bool unicode, size_t *ret_before)
{
    size_t columns = 0;

    *ret_before = 0;
    for (size_t at = 0, n = 1; at < line->size; n++) {
        char shown[TEXT_SHOWN_MAX];

        at += text_show(line->text + at, line->size - at, unicode, shown);
        columns += text_columns(shown);
        if (n < column)
            *ret_before = columns;
    }
    return columns;
}

/* Writes what of @line is from the column @begin up to @end, whole characters only. Returns the
 * end; *ret_first is the column of the first. */
static char *write_part(char *out, const Line *line, size_t begin, size_t end, bool unicode,
                        size_t *ret_first)
{
    size_t column = 0;

    *ret_first = end;
    for (size_t at = 0; at < line->size;) {
        char shown[TEXT_SHOWN_MAX];

        at += text_show(line->text + at, line->size - at, unicode, shown);
        size_t next = column + text_columns(shown);
        if (column >= begin && next <= end) {
            if (*ret_first > column)
                *ret_first = column;
            out = stpcpy(out, shown);
        }
        column = next;
    }
    return out;
}

static char *write_spaces(char *out, size_t n)
{
    memset(out, ' ', n);
    return out + n;
}

static bool is_blank(const Line *line)
{
    for (size_t i = 0; i < line->size; i++)
        if (line->text[i] != ' ')
            return false;
    return true;
}

char *excerpt_format(const Source *source, const PolicyPlace *place, bool unicode)
{
    const char *ellipsis = unicode ? "…" : "...";
    Line line = { 0 };
    size_t caret, first;

    if (!source->text || place->line == 0 || !find_line(source, place->line, &line) ||
        is_blank(&line))
        return strdup("");

    size_t total = measure(&line, place->column, unicode, &caret), begin = 0, end = total;
    if (total > EXCERPT_COLUMNS) {
        begin = caret > COLUMNS_BEFORE ? caret - COLUMNS_BEFORE : 0;
        if (begin > total - EXCERPT_COLUMNS)
            begin = total - EXCERPT_COLUMNS;
        end = begin + EXCERPT_COLUMNS;
    }

    /* Combining characters take bytes, and no columns. */
    size_t room = line.size * (TEXT_SHOWN_MAX - 1) + 2 * strlen(ellipsis);
    char *text = malloc(room + (INDENT + EXCERPT_COLUMNS + 8) * 2);
    if (!text)
        return NULL;

    char *out = write_spaces(text, INDENT);
    if (begin > 0)
        out = stpcpy(out, ellipsis);
    out = write_part(out, &line, begin, end, unicode, &first);
    if (end < total)
        out = stpcpy(out, ellipsis);
    *out++ = '\n';
    out = write_spaces(out, INDENT + (begin > 0 ? text_columns(ellipsis) : 0) + caret - first);
    strcpy(out, "^\n");
    return text;
}
