/* SPDX-License-Identifier: MIT */
/* File names are bytes that anybody may have chosen; JSON and D-Bus know only Unicode. What is not
 * is written byte by byte as "\xNN", so that one odd name does not hide all that stands beside it.
 * A backslash stays as it is: this is for people to read, and not to be read back. */
#include "util/utf8.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int utf8_decode(const char *text, size_t size, uint32_t *ret)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *p = (const unsigned char *)text;
    int length;
    uint32_t c;

    if (p[0] < 0x80) {
        *ret = p[0];
        return 1;
    }
    if ((p[0] & 0xe0) == 0xc0) {
        length = 2;
        c = p[0] & 0x1f;
    } else if ((p[0] & 0xf0) == 0xe0) {
        length = 3;
        c = p[0] & 0x0f;
    } else if ((p[0] & 0xf8) == 0xf0) {
        length = 4;
        c = p[0] & 0x07;
    } else {
        return -EINVAL;
    }
    if (size < (size_t)length)
        return -EINVAL;
    for (int i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -EINVAL;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return -EINVAL;

    *ret = c;
    return length;
}

char *put_escaped(char *out, const char *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *out++ = '\\';
        *out++ = 'x';
        *out++ = digits[(unsigned char)bytes[i] >> 4];
        *out++ = digits[(unsigned char)bytes[i] & 0xf];
    }
    return out;
}

static bool is_noncharacter(uint32_t c)
{
    return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

char *utf8_escape(const char *text)
{
    size_t left = strlen(text);
    char *escaped = calloc(left + 1, ESCAPED_BYTE);
    if (!escaped)
        return NULL;

    char *out = escaped;
    while (left > 0) {
        uint32_t c;
        int decoded = utf8_decode(text, left, &c);
        size_t n = decoded > 0 ? (size_t)decoded : 1;

        out = decoded > 0 && !is_noncharacter(c) ? mempcpy(out, text, n)
                                                 : put_escaped(out, text, n);
        text += n;
        left -= n;
    }
    *out = '\0';
    return escaped;
}
