/* SPDX-License-Identifier: MIT */
/* Names on this system are bytes that anybody may have chosen. A terminal obeys some of them and
 * JSON knows only Unicode, so each has its own way of saying what it cannot hold, and both leave
 * ordinary names as they are. */
#include "cli/text.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "util/utf8.h"

/* C0, DEL, C1, line separators, and the marks that reverse what follows them, with which a name can
 * pretend to be another. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* As nearly all names are. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

char *escape_text(const char *text, bool unicode)
{
    if (is_plain(text))
        return strdup(text);
    size_t left = strlen(text);
    char *escaped = calloc(left + 1, ESCAPED_BYTE);
    if (!escaped)
        return NULL;

    char *out = escaped;
    while (left > 0) {
        uint32_t c = 0;
        int decoded = utf8_decode(text, left, &c);
        size_t n = decoded > 0 ? (size_t)decoded : 1;

        if (c == '\n' || c == '\t') {
            *out++ = '\\';
            *out++ = c == '\n' ? 'n' : 't';
        } else if (decoded <= 0 || is_control(c) || (n > 1 && !unicode)) {
            out = put_escaped(out, text, n);
        } else {
            out = mempcpy(out, text, n);
        }
        text += n;
        left -= n;
    }
    *out = '\0';
    return escaped;
}

struct json_object *json_text(const char *text)
{
    CLEANUP_FREE char *valid = utf8_escape(text);

    return valid ? json_object_new_string(valid) : NULL;
}

const char *format_share(char buffer[static SHARE_TEXT_MAX], uint64_t part, uint64_t whole,
                         bool unicode)
{
    const char *full = unicode ? "▇" : "#", *empty = unicode ? "░" : ".";

    *buffer = '\0';
    if (whole == 0)
        return buffer;

    double share = part >= whole ? 1 : (double)part / (double)whole;
    unsigned int percent = (unsigned int)(share * 100 + 0.5);
    unsigned int cells = (unsigned int)(share * SHARE_BAR_WIDTH + 0.5);
    if (part > 0 && part < whole) {
        percent = percent < 1 ? 1 : percent > 99 ? 99 : percent;
        cells = cells < 1 ? 1 : cells > SHARE_BAR_WIDTH - 1 ? SHARE_BAR_WIDTH - 1 : cells;
    }

    char *out = buffer;
    for (unsigned int i = 0; i < SHARE_BAR_WIDTH; i++)
        out = stpcpy(out, i < cells ? full : empty);
    *out++ = ' ';
    *out++ = percent == 100 ? '1' : ' ';
    *out++ = percent >= 10 ? (char)('0' + percent / 10 % 10) : ' ';
    *out++ = (char)('0' + percent % 10);
    strcpy(out, "%");
    return buffer;
}

const char *format_bytes(char buffer[static FORMAT_SIZE_MAX], uint64_t value, bool bytes)
{
    if (!bytes)
        return format_size(buffer, value);
    snprintf(buffer, FORMAT_SIZE_MAX, "%" PRIu64, value);
    return buffer;
}
