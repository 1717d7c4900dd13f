/* SPDX-License-Identifier: MIT */
/* Messages quote what stands in a file that anyone may have written, on a terminal that obeys
 * escape sequences. So nothing of a file reaches a message but through quote() or text_printable().
 * Bytes that are not UTF-8 are escaped one by one: a file name may hold them. */
#include "policy/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "util/utf8.h"

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

bool text_has_control(const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        uint32_t c;
        int length = utf8_decode(text, left, &c);

        if (length < 0 || is_control(c))
            return true;
        text += length;
        left -= (size_t)length;
    }
    return false;
}

bool text_is_break(uint32_t c, char next)
{
    return c == '\n' || (c == '\r' && next != '\n') || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/* Controls, the invisible characters that hide or reorder what stands beside them, and two that are
 * none. */
static bool is_harmful(uint32_t c)
{
    return is_control(c) || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff0 && c <= 0xfffb) || (c >= 0xfffe && c <= 0xffff) ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

size_t text_show(const char *text, size_t size, bool unicode, char shown[static TEXT_SHOWN_MAX])
{
    uint32_t c;
    int length = utf8_decode(text, size, &c);

    if (length < 0) {
        snprintf(shown, TEXT_SHOWN_MAX, "\\x%02x", (unsigned)(unsigned char)text[0]);
        return 1;
    }
    if (c == '\n')
        strcpy(shown, "\\n");
    else if (c == '\t')
        strcpy(shown, "\\t");
    else if (!is_harmful(c) && (unicode || c < 0x80))
        snprintf(shown, TEXT_SHOWN_MAX, "%.*s", length, text);
    else if (c < 0x100)
        snprintf(shown, TEXT_SHOWN_MAX, "\\x%02x", c);
    else if (c < 0x10000)
        snprintf(shown, TEXT_SHOWN_MAX, "\\u%04x", c);
    else
        snprintf(shown, TEXT_SHOWN_MAX, "\\U%08x", c);
    return (size_t)length;
}

const char *quote(char buffer[static QUOTE_MAX], const char *text)
{
    size_t left = strlen(text);
    char *p = buffer;

    *p++ = '"';
    for (size_t n = 0; left > 0; n++) {
        char shown[TEXT_SHOWN_MAX];

        if (n == QUOTE_CHARACTERS) {
            p = stpcpy(p, "…");
            break;
        }
        size_t taken = text_show(text, left, true, shown);
        p = stpcpy(p, shown);
        text += taken;
        left -= taken;
    }
    strcpy(p, "\"");
    return buffer;
}

char *text_printable(const char *text)
{
    size_t left = strlen(text);
    char *printable = malloc(left * (TEXT_SHOWN_MAX - 1) + 1);
    if (!printable)
        return NULL;

    char *p = printable;
    *p = '\0';
    while (left > 0) {
        char shown[TEXT_SHOWN_MAX];
        size_t taken = text_show(text, left, true, shown);

        p = stpcpy(p, shown);
        text += taken;
        left -= taken;
    }
    return printable;
}

size_t text_columns(const char *shown)
{
    size_t columns = 0, left = strlen(shown);

    while (left > 0) {
        uint32_t c;
        int length = utf8_decode(shown, left, &c);
        int width = length < 0 ? 1 : wcwidth((wchar_t)c);

        columns += width < 0 ? 1 : (size_t)width;
        shown += length < 0 ? 1 : length;
        left -= length < 0 ? 1 : (size_t)length;
    }
    return columns;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

#define WORD_MAX 32 /* longer words are no misspelt keys */

/* Edits from one word to the other, a swap of neighbours being one (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    size_t n_a = strlen(a), n_b = strlen(b);

    if (n_a > WORD_MAX || n_b > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= n_b; j++)
        above[j] = j;

    for (size_t i = 1; i <= n_a; i++) {
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            size_t least = min_size(above[j], row[j - 1]) + 1;

            row[j] = min_size(least, above[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = min_size(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[n_b];
}

void suggestion_offer(Suggestion *suggestion, const char *typed, const char *candidate)
{
    size_t far_enough = strlen(candidate) < 4 ? 2 : 3;
    size_t n = distance(typed, candidate);

    if (n >= far_enough || (suggestion->word && n >= suggestion->distance))
        return;
    suggestion->word = candidate;
    suggestion->distance = n;
}
