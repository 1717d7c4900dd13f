/* SPDX-License-Identifier: MIT */
/* One line a file, fields apart by a tab: unit ("-": none), device, inode, user, since, until,
 * path. Bytes of the path that would end a field are "\xNN". What is new is appended before the
 * file is locked; what is gone leaves when the file is written anew, and until then the holder does
 * not know it. It is on tmpfs: after a reboot nothing is pinned. */

#include "daemon/hand_record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/io.h"
#include "util/parse.h"

static void print_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c <= ' ' || c == '\\' || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* In place. False: it is none of ours. */
static bool unescape(char *text)
{
    char *to = text;

    while (*text) {
        if (*text != '\\') {
            *to++ = *text++;
            continue;
        }
        int high = text[1] == 'x' ? hex_digit(text[2]) : -1;
        int low = high >= 0 ? hex_digit(text[3]) : -1;
        if (low < 0 || high + low == 0)
            return false;
        *to++ = (char)(high * 16 + low);
        text += 4;
    }
    *to = '\0';
    return true;
}

void hand_record_print(FILE *out, const HandEntry *entry)
{
    fprintf(out, "%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t",
            entry->unit ? entry->unit : "-", entry->dev, entry->ino, entry->by, entry->since_usec,
            entry->until_usec);
    print_escaped(out, entry->path);
    fputc('\n', out);
}

static int parse_line(char *line, size_t length, HandEntry *ret)
{
    uint64_t numbers[5];
    char *rest = line;

    if (strlen(line) != length) /* a NUL within */
        return -EBADMSG;
    const char *unit = strsep(&rest, "\t");
    for (size_t i = 0; i < ELEMENTS(numbers); i++) {
        const char *field = strsep(&rest, "\t");
        if (!field || parse_u64(field, &numbers[i]) < 0)
            return -EBADMSG;
    }
    if (!rest || rest[0] != '/' || strchr(rest, '\t') || !unescape(rest) || !*unit)
        return -EBADMSG;
    *ret = (HandEntry){
        .unit = strcmp(unit, "-") == 0 ? NULL : unit,
        .path = rest,
        .dev = numbers[0],
        .ino = numbers[1],
        .by = numbers[2],
        .since_usec = numbers[3],
        .until_usec = numbers[4],
    };
    return 0;
}

int hand_record_read(int dir_fd, int (*entry)(const HandEntry *entry, void *userdata),
                     void *userdata, size_t *ret_bad)
{
    CLEANUP_FREE char *text = NULL;
    size_t size, bad = 0;

    int r = read_file_alloc(dir_fd, HAND_RECORD_NAME, HAND_RECORD_MAX, &text, &size);
    if (r < 0 && r != -ENOENT)
        return r;

    r = 0;
    const char *end = text ? text + size : NULL;
    for (char *line = text, *next; line < end && r >= 0; line = next) {
        HandEntry parsed;
        char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t length = newline ? (size_t)(newline - line) : (size_t)(end - line);
        next = line + length + 1;
        line[length] = '\0';
        if (!newline || parse_line(line, length, &parsed) < 0)
            bad++; /* without its end it was cut off */
        else
            r = entry(&parsed, userdata);
    }
    if (r < 0)
        return r;
    *ret_bad = bad;
    return 0;
}

int hand_record_append(int dir_fd, const char *text, size_t size)
{
    CLEANUP_CLOSE int fd = openat(dir_fd, HAND_RECORD_NAME,
                                  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0)
            return -errno;
        text += n;
        size -= (size_t)n;
    }
    return 0;
}

int hand_record_replace(int dir_fd, const char *text, size_t size)
{
    if (size == 0) {
        hand_record_remove(dir_fd);
        return 0;
    }
    return replace_file_at(dir_fd, HAND_RECORD_NAME, text, size, 0600);
}

void hand_record_remove(int dir_fd)
{
    (void)unlinkat(dir_fd, HAND_RECORD_NAME, 0);
}
