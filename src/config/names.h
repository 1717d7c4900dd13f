/* SPDX-License-Identifier: MIT */
#pragma once

/* What the names in a folder of configuration mean. */

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_FILE_SUFFIX    ".yaml"
#define CONFIG_DROPINS_SUFFIX ".yaml.d"

/* The length of @name without @suffix; 0: it has another one, is nothing else, or hidden. */
size_t config_stem_length(const char *name, const char *suffix);

/* Hidden, or left by an editor or a package manager: nobody takes it for configuration. */
bool config_is_leftover(const char *name);

/* Why @name in a policies.d is neither a policy nor a folder of drop-ins: "policies end in .yaml".
 */
const char *config_explain_name(const char *name);
