/* SPDX-License-Identifier: MIT */
#include "config/names.h"

#include <string.h>

#include "util/cleanup.h"

static bool ends_in(const char *name, const char *suffix)
{
    size_t length = strlen(name), end = strlen(suffix);

    return length >= end && strcmp(name + length - end, suffix) == 0;
}

size_t config_stem_length(const char *name, const char *suffix)
{
    return name[0] != '.' && ends_in(name, suffix) ? strlen(name) - strlen(suffix) : 0;
}

bool config_is_leftover(const char *name)
{
    /* Those that systemd ignores in its own folders, and patch(1)'s. */
    static const char *const suffixes[] = { ".bak", ".new", ".old",     ".orig",   ".rpmnew",
                                            ".swp", "~",    ".rpmorig", ".rpmsave" };
    const char *dot = strrchr(name, '.');

    if (name[0] == '.' || (name[0] == '#' && ends_in(name, "#")))
        return true;
    for (size_t i = 0; i < ELEMENTS(suffixes); i++)
        if (ends_in(name, suffixes[i]))
            return true;
    return dot && (strncmp(dot, ".dpkg-", 6) == 0 || strncmp(dot, ".ucf-", 5) == 0);
}

const char *config_explain_name(const char *name)
{
    return ends_in(name, ".d") ? "drop-ins of a policy are in NAME" CONFIG_DROPINS_SUFFIX
                               : "policies end in " CONFIG_FILE_SUFFIX;
}
