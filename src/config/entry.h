/* SPDX-License-Identifier: MIT */
#pragma once

/* One policy, or the settings, as installed: the files that make it up, and what is to be said of
 * them. */

#include "config/places.h"
#include "policy/diagnostics.h"

typedef enum ConfigState {
    CONFIG_IN_FORCE,
    CONFIG_REFUSED, /* the diagnostics say why */
    CONFIG_MASKED,  /* by a link to /dev/null, which is the only source */
    CONFIG_MISSING, /* drop-ins, whose folder is the only source, but no file to merge them into */
} ConfigState;

typedef struct ConfigEntry {
    char *name; /* the file's stem */
    ConfigState state;
    Source *sources; /* the file, then its drop-ins in the order of merging; owned. What could not
                      * be read has no text. */
    size_t n_sources;
    Diagnostics diagnostics; /* places are in sources */
} ConfigEntry;

void config_entry_clear(ConfigEntry *entry);

/* Makes a copy of @path the source @i (up to n_sources). 0, or -ENOMEM with @entry as it was. */
int config_entry_add_source(ConfigEntry *entry, size_t i, const char *path);

/* The diagnostics must not be about it, or one behind it. */
void config_entry_remove_source(ConfigEntry *entry, size_t i);

/* Refuses @entry, because @error (negative) came of its source @file. 0, or -ENOMEM. */
int config_entry_refuse(ConfigEntry *entry, size_t file, int error);

/* Reads the text of all sources. What cannot be read refuses @entry; what has been deleted
 * meanwhile is left out. 0; 1: that was so for the first source; -ENOMEM. */
int config_entry_read(ConfigEntry *entry, const ConfigRoot *root);

/* All that is said of @entry at @severity, one a line without the last break, to be freed; NULL:
 * out of memory. "" where nothing is said. */
char *config_entry_format(const ConfigEntry *entry, Severity severity);

/* "in force", "refused", "masked", "missing". */
const char *config_state_to_string(ConfigState state);
