/* SPDX-License-Identifier: MIT */
/* One line a unit, fields apart by a tab: unit, cgroup, original, both of ours, whether a drop-in
 * was there, the cgroup's id. Neither unit names nor the cgroups that systemd makes of them contain
 * white space, and others that do are not governed. The file is on tmpfs: after a reboot there is
 * nothing to put back. */

#include "daemon/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/io.h"
#include "util/parse.h"

#define LEDGER_MAX (4 * 1024 * 1024) /* bytes; some 5,000 units, and all control groups */

static void entry_clear(LedgerEntry *entry)
{
    free(entry->unit);
    free(entry->cgroup);
}

static LedgerEntry *find(const Ledger *ledger, const char *unit)
{
    for (size_t i = 0; i < ledger->n_entries; i++)
        if (strcmp(ledger->entries[i].unit, unit) == 0)
            return &ledger->entries[i];
    return NULL;
}

static int add(Ledger *ledger, const LedgerEntry *values)
{
    LedgerEntry *grown = reallocarray(ledger->entries, ledger->n_entries + 1, sizeof(LedgerEntry));
    if (!grown)
        return -ENOMEM;
    ledger->entries = grown;

    LedgerEntry entry = *values;
    entry.unit = strdup(values->unit);
    entry.cgroup = strdup(values->cgroup);
    if (!entry.unit || !entry.cgroup) {
        entry_clear(&entry);
        return -ENOMEM;
    }
    grown[ledger->n_entries++] = entry;
    return 0;
}

static int parse_line(Ledger *ledger, char *line, size_t length)
{
    LedgerEntry entry = { 0 };
    uint64_t numbers[5];
    char *rest = line;

    if (strlen(line) != length) /* a NUL within */
        return -EBADMSG;
    entry.unit = strsep(&rest, "\t");
    entry.cgroup = strsep(&rest, "\t");
    for (size_t i = 0; i < ELEMENTS(numbers); i++) {
        const char *field = strsep(&rest, "\t");
        if (!field || parse_u64(field, &numbers[i]) < 0)
            return -EBADMSG;
    }
    if (rest || !*entry.unit || *entry.cgroup != '/' || numbers[3] > 1 || find(ledger, entry.unit))
        return -EBADMSG;

    entry.original = numbers[0];
    entry.ours[0] = numbers[1];
    entry.ours[1] = numbers[2];
    entry.had_dropin = numbers[3] != 0;
    entry.id = numbers[4];
    return add(ledger, &entry);
}

int ledger_open(Ledger *ledger, int dir_fd, size_t *ret_bad)
{
    CLEANUP_FREE char *text = NULL;
    size_t size, bad = 0;

    *ledger = (Ledger){ .dir_fd = dir_fd };
    int r = read_file_alloc(dir_fd, LEDGER_NAME, LEDGER_MAX, &text, &size);
    if (r < 0 && r != -ENOENT)
        return r;

    const char *end = text ? text + size : NULL;
    for (char *line = text, *next; line < end; line = next) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t length = newline ? (size_t)(newline - line) : (size_t)(end - line);
        next = line + length + 1; /* behind the last line is the NUL that ends the text */
        line[length] = '\0';
        r = length > 0 ? parse_line(ledger, line, length) : 0;
        if (r == -ENOMEM) {
            ledger_close(ledger);
            return r;
        }
        bad += r < 0;
    }
    if (ret_bad)
        *ret_bad = bad;
    return 0;
}

void ledger_close(Ledger *ledger)
{
    for (size_t i = 0; i < ledger->n_entries; i++)
        entry_clear(&ledger->entries[i]);
    free(ledger->entries);
    *ledger = (Ledger){ .dir_fd = -1 };
}

static int save(const Ledger *ledger)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;

    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < ledger->n_entries; i++) {
        const LedgerEntry *e = &ledger->entries[i];
        fprintf(out, "%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%d\t%" PRIu64 "\n", e->unit,
                e->cgroup, e->original, e->ours[0], e->ours[1], e->had_dropin, e->id);
    }
    if (fclose(out) != 0)
        return -ENOMEM;
    if (size > LEDGER_MAX) /* or nobody could read it again */
        return -EFBIG;
    return replace_file_at(ledger->dir_fd, LEDGER_NAME, text, size, 0600);
}

const LedgerEntry *ledger_find(const Ledger *ledger, const char *unit)
{
    return find(ledger, unit);
}

int ledger_note(Ledger *ledger, const LedgerEntry *values)
{
    LedgerEntry *entry = find(ledger, values->unit);

    if (!entry) {
        int r = add(ledger, values);
        if (r >= 0 && (r = save(ledger)) < 0)
            entry_clear(&ledger->entries[--ledger->n_entries]);
        return r;
    }

    char *cgroup = strdup(values->cgroup);
    if (!cgroup)
        return -ENOMEM;
    LedgerEntry before = *entry;
    entry->cgroup = cgroup;
    entry->id = values->id;
    memcpy(entry->ours, values->ours, sizeof(entry->ours));
    int r = save(ledger);
    if (r < 0)
        *entry = before;
    free(r < 0 ? cgroup : before.cgroup);
    return r;
}

int ledger_set_original(Ledger *ledger, const char *unit, uint64_t original)
{
    LedgerEntry *entry = find(ledger, unit);
    if (!entry)
        return 0;

    LedgerEntry before = *entry;
    entry->original = original;
    entry->had_dropin = false;
    int r = save(ledger);
    if (r < 0)
        *entry = before;
    return r;
}

int ledger_forget(Ledger *ledger, const char *unit)
{
    LedgerEntry *entry = find(ledger, unit);
    if (!entry)
        return 0;

    entry_clear(entry);
    *entry = ledger->entries[--ledger->n_entries];
    return save(ledger);
}

bool ledger_entry_is_ours(const LedgerEntry *entry, uint64_t value)
{
    return value == entry->ours[0] || value == entry->ours[1];
}
