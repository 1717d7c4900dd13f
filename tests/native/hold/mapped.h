/* SPDX-License-Identifier: MIT */
#pragma once

/* What the kernel says that a process has mapped and locked of one file: the truth that the
 * holder's own words are held against. */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/units.h"

typedef struct Mapped {
    size_t n;         /* mappings */
    uint64_t size;    /* bytes, all of these: */
    uint64_t rss;     /* in memory and in the page tables */
    uint64_t flagged; /* of mappings with the flag "lo": what becomes resident there is locked */
    uint64_t locked;  /* "Locked": in memory and so locked */
    uint64_t barred;  /* in mappings that nobody can read (PROT_NONE) */
} Mapped;

static inline FILE *process_file(int pid, const char *name)
{
    char path[64] = "";

    if (pid > 0)
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    else
        snprintf(path, sizeof(path), "/proc/self/%s", name);
    FILE *file = fopen(path, "re");
    if (!file && !(pid > 0 && errno == ENOENT)) {
        perror(path);
        exit(99);
    }
    return file;
}

/* A line of the mapping that began with the last heading. */
static inline void mapped_add_line(Mapped *m, const char *line, uint64_t size, bool barred)
{
    uint64_t kib;

    if (sscanf(line, "Rss: %" SCNu64 " kB", &kib) == 1)
        m->rss += kib * KIB;
    else if (sscanf(line, "Locked: %" SCNu64 " kB", &kib) == 1)
        m->locked += kib * KIB;
    else if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " lo"))
        m->flagged += size;
    else if (strncmp(line, "Size:", 5) == 0) {
        m->n++;
        m->size += size;
        m->barred += barred ? size : 0;
    }
}

/* Of the process @pid (0: this one), of the file @st; NULL: of all that are mapped as shared. */
static inline Mapped mapped_of(int pid, const struct stat *st)
{
    FILE *file = process_file(pid, "smaps");
    Mapped m = { 0 };
    bool ours = false, barred = false;
    uint64_t size = 0;
    char line[8192], rights[8];

    if (!file)
        return m;
    while (fgets(line, sizeof(line), file)) {
        uint64_t begin, end, inode;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*x %*x:%*x %" SCNu64, &begin, &end, rights,
                   &inode) == 4) {
            ours = st ? inode == st->st_ino : rights[3] == 's';
            size = end - begin;
            barred = strncmp(rights, "---", 3) == 0;
        } else if (ours) {
            mapped_add_line(&m, line, size, barred);
        }
    }
    fclose(file);
    return m;
}

/* The size of all shared mappings that are locked, bytes: not the process's own memory. */
static inline uint64_t locked_in_all(int pid)
{
    FILE *file = process_file(pid, "smaps");
    uint64_t begin, end, sum = 0, size = 0;
    char line[8192], rights[8];

    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s ", &begin, &end, rights) == 3)
            size = rights[3] == 's' ? end - begin : 0;
        else if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " lo"))
            sum += size;
    }
    fclose(file);
    return sum;
}

/* The size of what of the process's own memory is locked, bytes. */
static inline uint64_t own_memory_locked(int pid)
{
    FILE *file = process_file(pid, "status");
    uint64_t kib = 0;
    char line[8192];

    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file))
        (void)sscanf(line, "VmLck: %" SCNu64 " kB", &kib);
    fclose(file);
    return kib * KIB - locked_in_all(pid);
}
