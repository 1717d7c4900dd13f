/* SPDX-License-Identifier: MIT */
#pragma once

/* The policies of some folders, or some files, read and decoded. */

#include "config/entry.h"
#include "policy/set.h"

typedef struct Policies {
    PolicySet set;        /* those in force */
    ConfigEntry *entries; /* by name, in byte order; also those that are not in force */
    size_t n_entries;
    ConfigEntry folders; /* without a name: refused where a folder cannot be listed; warns of names
                          * that are passed over, those of the settings too if config_load() read */
    size_t n_refused;    /* entries; the folders count for one */
} Policies;

/* Never fails because of what it finds: that is in the entries, in @ret->folders and counted in
 * n_refused. @ram in bytes. 0, or -ENOMEM; *ret is for policies_clear() on success only. */
int policies_load(const ConfigPlaces *places, uint64_t ram, Policies *ret);
void policies_clear(Policies *policies);

/* The files at these paths and nothing else: no drop-ins, no masks; entries are in this order, and
 * may have the same name, of which the set has the first good one. Where a text is given, as for
 * standard input, it is taken instead of what is at the path, which is then only for messages. */
int policies_load_files(const Source *files, size_t n_files, uint64_t ram, Policies *ret);

const ConfigEntry *policies_find_entry(const Policies *policies, const char *name);

/* Why @policies are refused: all mistakes in them, each a line with its break, to be freed; NULL:
 * out of memory. */
char *policies_format_refusals(const Policies *policies);

/* After a reload that was refused: what @newer says of entries and folders is moved to @policies in
 * place of all that was said there, while @policies->set stays as it is: an entry may be refused
 * and an older text of it in force. An entry that is in the set keeps its place, even without a
 * file; one that is good and not in the set waits for the next reload, and has none. @newer is only
 * to be cleared then. 0, or -ENOMEM with both as they were. */
int policies_adopt_refusals(Policies *policies, Policies *newer);
