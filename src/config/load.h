/* SPDX-License-Identifier: MIT */
#pragma once

/* All that is installed: the settings and the policies. */

#include "config/policies.h"
#include "policy/settings.h"

typedef struct Config {
    Settings settings; /* the defaults where there are none, or they are refused or masked */
    ConfigEntry settings_entry;
    Policies policies;
} Config;

/* As policies_load(). Whether it is taken, as a whole or not at all, is the caller's affair. */
int config_load(const ConfigPlaces *places, uint64_t ram, Config *ret);
void config_clear(Config *config);

/* Whether nothing of it was refused. */
bool config_is_good(const Config *config);

/* Why @config is refused: all mistakes in it, each a line with its break, to be freed; NULL: out of
 * memory. */
char *config_format_refusals(const Config *config);

/* After a reload that was refused: what @newer says of the settings and the policies is moved to
 * @config in place of what was said there, while what is in force stays; see
 * policies_adopt_refusals(). */
int config_adopt_refusals(Config *config, Config *newer);
