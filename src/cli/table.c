/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

int table_new(FILE *out, bool legend, struct libscols_table **ret)
{
    struct libscols_table *table = scols_new_table();
    if (!table)
        return -ENOMEM;

    scols_table_set_stream(table, out);
    scols_table_enable_noheadings(table, !legend);
    scols_table_enable_noencoding(table, 1);
    scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
    *ret = table;
    return 0;
}

int table_add_column(struct libscols_table *table, const char *name, int flags)
{
    return scols_table_new_column(table, name, 0, flags) ? 0 : -ENOMEM;
}

int table_add_row(struct libscols_table *table, const char *const cells[], size_t n)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);

    for (size_t i = 0; i < n; i++)
        if (!line || (cells[i] && scols_line_set_data(line, i, cells[i]) < 0))
            return -ENOMEM;
    return 0;
}

int table_print(struct libscols_table *table)
{
    /* Without columns or rows it would print a blank line. */
    if (scols_table_is_empty(table))
        return 0;
    int r = scols_print_table(table);
    return r > 0 ? -EIO : r;
}
