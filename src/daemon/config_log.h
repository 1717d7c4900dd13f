/* SPDX-License-Identifier: MIT */
#pragma once

#include "config/load.h"

/* All that there is to say of the settings and the policies, in the log. */
void config_log(const Config *config);
