/* SPDX-License-Identifier: MIT */
#pragma once

/* Which files make up which policy. Nothing is read. */

#include "config/entry.h"

typedef struct ConfigEntries {
    ConfigEntry *entries; /* by name, in byte order */
    size_t n_entries;
} ConfigEntries;

/* All names for which any folder has policies.d/NAME.yaml or drop-ins: the first folder that has
 * the file wins, drop-ins are those of all folders in the byte order of their names. Masked
 * drop-ins are left out. @folders gets, as refusals, the folders that cannot be listed, and as
 * warnings what is passed over because of its name, each as a source of its own.
 *
 * 0, or -ENOMEM; *ret is for config_entries_clear() on success only. */
int config_find_policies(const ConfigRoot *root, ConfigEntry *folders, ConfigEntries *ret);
void config_entries_clear(ConfigEntries *entries);

/* pagewarden.yaml and its drop-ins in the same way, but that drop-ins need no file. Without both it
 * is in force and has no source; @folders gets the warnings. 0, or -ENOMEM; *ret is for
 * config_entry_clear() on success only. */
int config_find_settings(const ConfigRoot *root, ConfigEntry *folders, ConfigEntry *ret);
