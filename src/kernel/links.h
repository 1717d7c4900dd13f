/* SPDX-License-Identifier: MIT */
#pragma once

/* Symbolic links in a path that is named literally, as far as they are to be trusted. */

#include <stdbool.h>

#include "kernel/entry.h"

#define LINKS_MAX         40 /* on one path, as path_resolution(7) has it */
#define LINKS_FOLDERS_MAX 100

/* @link, found in @folder, says what root wants: it is root's, and nobody else can put another one
 * there. */
bool link_is_trusted(const Entry *folder, const Entry *link);

/* The absolute @path, with each link on it that is to be trusted replaced by what it says, within
 * @root_fd. It ends unresolved from the first component on that is no folder, or a link that is not
 * followed, or on a network or FUSE file system if not @network: whoever walks the result meets the
 * same there, and has to judge it anew in any case. Has no ".." in it. *@ret is to be freed.
 * -ENAMETOOLONG: @path is not below PATH_MAX; -ENOMEM; -EMFILE; -ENFILE; what statx(2) says of the
 * root. */
int links_resolve(int root_fd, const char *path, bool network, char **ret);
