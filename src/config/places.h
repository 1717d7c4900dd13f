/* SPDX-License-Identifier: MIT */
#pragma once

/* Where configuration is looked for, and opening what is there. */

#include <stdbool.h>

#include "util/cleanup.h"

/* All of it is borrowed. { 0 } is what this system has. */
typedef struct ConfigPlaces {
    const char *root;           /* folder of an image; NULL, "" or "/": this system */
    const char *const *folders; /* in place of config_folders, as --config names them: each must
                                 * exist. Ends with NULL; NULL: config_folders */
} ConfigPlaces;

/* In the order of precedence; ends with NULL. Each may have pagewarden.yaml, pagewarden.yaml.d/ and
 * policies.d/, and none need exist. */
extern const char *const config_folders[];

typedef struct ConfigRoot {
    int fd;       /* AT_FDCWD: this system */
    char *prefix; /* what every path in messages begins with: "", or the image's path */
    const char *const *folders;
    bool folders_must_exist;
} ConfigRoot;

/* @places must outlive it. 0; -ENOMEM; what opening the image failed with. */
int config_root_open(const ConfigPlaces *places, ConfigRoot *ret);
void config_root_close(ConfigRoot *root);

/* @folder (one of root->folders) and what is below it (may be NULL) as the user would type it: with
 * the image's path in front. To be freed; NULL: out of memory. */
char *config_path(const ConfigRoot *root, const char *folder, const char *below);

/* Opens @path, one of config_path(). In an image, absolute links and ".." stay within it. Returns a
 * descriptor or -errno: -ENOENT means that nothing is there, -ENOLINK a link to nothing,
 * -EOPNOTSUPP that links cannot be kept within the image, because there is no openat2(2) or a
 * sandbox forbids it. */
int config_open(const ConfigRoot *root, const char *path, int flags);

/* Whether @path is a link to /dev/null, or something that ends at the null device. */
bool config_is_mask(const ConfigRoot *root, const char *path);
