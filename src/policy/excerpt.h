/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "policy/place.h"

#define EXCERPT_COLUMNS 100 /* of a line; of longer ones the part around the place is shown */

/* The line of @source that @place is on, and a line with a caret below its column, each with its
 * break, to be freed; "" where the source has no text, or nothing stands on that line; NULL: out of
 * memory. What a terminal would obey is escaped as by text_show(), without @unicode all that is not
 * ASCII. */
char *excerpt_format(const Source *source, const PolicyPlace *place, bool unicode);
