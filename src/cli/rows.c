/* SPDX-License-Identifier: MIT */
/* Cells are kept one behind the other, each with its width in front, and printed when the widest of
 * each column is known. */
#include "cli/rows.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static size_t width_of(const char *text, size_t *ret_bytes)
{
    const char *p = text;
    size_t continued = 0;

    for (; *p; p++) /* bytes of UTF-8 that go on with a character */
        continued += ((unsigned char)*p & 0xc0) == 0x80;
    *ret_bytes = (size_t)(p - text);
    return *ret_bytes - continued;
}

/* Cell: its width, its bytes, and these. */
typedef struct CellHead {
    uint32_t width, bytes;
} CellHead;

static int add_cell(Rows *rows, size_t column, const char *text)
{
    size_t bytes, width = width_of(text, &bytes), size = sizeof(CellHead) + bytes;

    if (rows->used + size > rows->room) {
        size_t room = rows->room * 2 + size + 4096;
        char *grown = realloc(rows->text, room);
        if (!grown)
            return -ENOMEM;
        rows->text = grown;
        rows->room = room;
    }
    CellHead head = { (uint32_t)width, (uint32_t)bytes };
    memcpy(rows->text + rows->used, &head, sizeof head);
    memcpy(rows->text + rows->used + sizeof head, text, bytes);
    rows->used += size;
    if (width > rows->widths[column])
        rows->widths[column] = width;
    return 0;
}

int rows_add(Rows *rows, const char *const cells[])
{
    for (size_t i = 0; i < rows->n_columns; i++) {
        int r = add_cell(rows, i, cells[i] ? cells[i] : "");
        if (r < 0)
            return r;
    }
    rows->n_rows++;
    return 0;
}

static void put_spaces(size_t n, FILE *out)
{
    for (; n > 0; n--)
        putc_unlocked(' ', out);
}

int rows_print(const Rows *rows, FILE *out)
{
    const char *p = rows->text;

    for (size_t i = 0; i < rows->n_rows; i++)
        for (size_t column = 0; column < rows->n_columns; column++) {
            bool last = column + 1 == rows->n_columns;
            CellHead head;

            memcpy(&head, p, sizeof head);
            p += sizeof head;
            if (!last)
                put_spaces(rows->widths[column] - head.width, out);
            fwrite_unlocked(p, 1, head.bytes, out);
            p += head.bytes;
            putc_unlocked(last ? '\n' : ' ', out);
        }
    return ferror(out) ? -EIO : 0;
}

void rows_clear(Rows *rows)
{
    free(rows->text);
    *rows = (Rows){ .n_columns = rows->n_columns };
}
