/* SPDX-License-Identifier: MIT */
#pragma once

/* Which globs a policy may hold. */

#include "policy/text.h"

#define REASON_MAX (QUOTE_MAX + 512)

/* An absolute path or glob that cannot reach the whole file system: its first folder is a plain
 * name, no reading of its braces has an empty, "." or ".." component.
 *
 * 0 with *ret_readings, the globs without braces, a strv to be freed; -EINVAL with @reason, to
 * stand behind the quoted glob: "is a relative path (…)"; -ENOMEM. */
int path_glob_check(const char *glob, char ***ret_readings, char reason[static REASON_MAX]);

/* A path below the cgroup root, "/system.slice/nginx.service", or a glob over such paths whose
 * first component has a character that stands for itself; results as above. */
int cgroup_glob_check(const char *glob, char ***ret_readings, char reason[static REASON_MAX]);

/* A glob over names of files, "*_fsm", or whatever path_glob_check() takes; results as above. */
int exclude_glob_check(const char *glob, char ***ret_readings, char reason[static REASON_MAX]);

/* A glob over names of units that have a cgroup; results as above. systemd.unit(5) has the rules of
 * names. */
int unit_glob_check(const char *glob, char ***ret_readings, char reason[static REASON_MAX]);
