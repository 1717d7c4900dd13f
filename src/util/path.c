/* SPDX-License-Identifier: MIT */
#include "util/path.h"

#include <string.h>

bool path_is_below(const char *path, const char *folder)
{
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

    return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}
