/* SPDX-License-Identifier: MIT */
#pragma once

/* The text of a cgroup's memory.stat and memory.events. */

#include "control/sample.h"

/* Fills what memory.stat gives, and leaves the rest of *sample alone. -EBADMSG, with *sample
 * untouched, where a byte count that floors are computed from is missing. */
int memstat_parse(const char *text, Sample *sample);

/* The same of memory.events; -EBADMSG where there is no "high". */
int memory_events_parse(const char *text, Sample *sample);
