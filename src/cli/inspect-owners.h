/* SPDX-License-Identifier: MIT */
#pragma once

#include "cli/cli.h"

/* `inspect --by-cgroup` of @paths (ends with NULL). */
ExitCode inspect_owners(char *const paths[], const OutputOptions *options);
