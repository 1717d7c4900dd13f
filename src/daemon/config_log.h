/* SPDX-License-Identifier: MIT */
#pragma once

#include "config/load.h"

/* All that there is to say of the settings and the policies that are in force now, in the log.
 * @folder: where policies would be put. */
void config_log(const Config *config, const char *folder);

/* That nothing was loaded, and why: @text, in lines. */
void config_log_refusals(const char *text);
