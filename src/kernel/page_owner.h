/* SPDX-License-Identifier: MIT */
#pragma once

/* Which cgroups the pages of a file are charged to. For audits by root: it looks at every page. */

#include <stddef.h>
#include <stdint.h>

typedef struct PageOwner {
    uint64_t cgroup;   /* its inode; 0: nobody is charged */
    uint64_t resident; /* bytes */
    uint64_t locked;   /* of these, on the unevictable list: by mlock(2) of anybody */
} PageOwner;

typedef struct PageOwners {
    PageOwner *owners;
    size_t n_owners;
    size_t room; /* internal */
} PageOwners;

typedef struct PageTables {
    int pagemap, kpagecgroup, kpageflags;
} PageTables;

/* -EPERM, -EACCES: not root; -ENOENT: a kernel without these files. *ret is for page_tables_close()
 * on success only. */
int page_tables_open(int proc_fd, PageTables *ret);
void page_tables_close(PageTables *tables);

/* Adds what of @fd, open for reading, is in memory. What leaves memory meanwhile may be read again.
 * -EPERM: the kernel does not tell this process page numbers; -ENOMEM; or as residency_ranges(). */
int page_owners_add(const PageTables *tables, int fd, uint64_t size, PageOwners *owners);

/* The most first. */
void page_owners_sort(PageOwners *owners);
void page_owners_clear(PageOwners *owners);
