/* SPDX-License-Identifier: MIT */
#pragma once

/* Finding files by glob or in a tree, as root, in folders that others can write. */

#include <sys/stat.h>

#include "kernel/globset.h"

typedef enum WalkReason {
    WALK_MISSING,       /* named literally, and not there */
    WALK_SYMLINK,       /* not followed: see walk_glob() */
    WALK_DIRECTORY,     /* where a file was asked for */
    WALK_NOT_DIRECTORY, /* where a folder was asked for */
    WALK_FIFO,
    WALK_SOCKET,
    WALK_DEVICE,
    WALK_UNREADABLE,  /* permission, or an I/O error */
    WALK_FILE_SYSTEM, /* on one that is kept out of: see WalkFlags, walk_glob() */
    WALK_TOO_DEEP,    /* over WALK_DEPTH_MAX folders, or PATH_MAX */
    WALK_TOO_MANY,    /* a folder where more than WALK_NAMES_MAX names match: left out as a whole */
    _WALK_REASON_MAX,
} WalkReason;

typedef enum WalkFlags {
    WALK_NETWORK = 1 << 0,  /* into network and FUSE file systems, which may hang or lie, too */
    WALK_NO_LINKS = 1 << 1, /* follows none: for a path that a walk has told */
} WalkFlags;

#define WALK_DEPTH_MAX 100     /* folders; each costs a descriptor and a stack frame */
#define WALK_NAMES_MAX 1000000 /* in one folder; about 40 bytes each while it is walked */

/* A folder whose names are looked at next. All is valid during the call. */
typedef struct WalkFolder {
    const char *path;         /* "" of the topmost */
    int path_fd;              /* O_PATH will do */
    bool local;               /* not on a file system that keeps changes to itself, or has none */
    const char *const *names; /* these only, some twice; NULL: those that a wildcard takes, too */
    size_t n_names;
    bool files; /* some name may be that of a file that is looked for */
} WalkFolder;

/* The functions may stop the walk by returning something else than 0, which the walk then returns.
 */
typedef struct WalkHandler {
    /* A regular file. @path_fd is O_PATH and stays the walk's: see walk_reopen(); or -1, if
     * @unopened. @path is valid during the call. */
    int (*file)(const char *path, int path_fd, const struct stat *st, void *userdata);
    /* What is named literally or matches, and is passed over. @why is to be put behind the path:
     * "is a FIFO"; valid during the call. May be NULL. */
    int (*passed_over)(const char *path, WalkReason reason, const char *why, void *userdata);
    void *userdata;
    bool unopened; /* what a folder lists as a regular file is looked at by name, and not opened */
    /* Instead of file(), where a folder lists a regular file: it is open for reading as *fd, which
     * may be taken, by two system calls less. May be NULL. */
    int (*opened)(const char *path, int *fd, const struct stat *st, void *userdata);
    /* Before it is listed, so that who begins to watch it then misses nothing. May be NULL. */
    int (*folder)(const WalkFolder *folder, void *userdata);
    /* Paths, without links, that are not even opened, and NULL. May be NULL. */
    const char *const *avoid;
} WalkHandler;

/* Files below @root_fd (of "/") that match the absolute glob @pattern: `{a,b}`, and within a name
 * what pattern_match_name() knows; `**` is any number of folders, at the end with the files in
 * them. Names that begin with a dot match only a dot. Each file once, in byte order per folder.
 *
 * A symbolic link is followed in the literal path in front of the first wildcard, if it is root's
 * and none but root can put names into its folder and those above; absolute ones within @root_fd.
 * What is told are paths without links. All others are passed over.
 *
 * Network and FUSE file systems are passed over without WALK_NETWORK, @root_fd's included. The
 * kernel's own (/proc) are entered only where they are named literally.
 *
 * What vanishes or changes meanwhile is no error. 0; a handler's value; -EINVAL: not absolute,
 * "..", unbalanced braces; -E2BIG: too many readings; -ENAMETOOLONG; -ENOMEM, -EMFILE, -ENFILE. */
int walk_glob(int root_fd, const char *pattern, WalkFlags flags, const WalkHandler *handler);

/* What walk_glob() looks for, links followed likewise: for globset_matches() with what another walk
 * tells. Errors are as above. */
int walk_read_glob(int root_fd, const char *pattern, WalkFlags flags, GlobSet **ret);

/* @fd itself if it is a regular file, or all files below it, hidden ones included; no link is
 * followed. @fd may be O_PATH; @path is its name in reports. Who hands in a folder on a network
 * file system means it, so flags are for what is mounted below. */
int walk_tree(int fd, const char *path, WalkFlags flags, const WalkHandler *handler);

/* A descriptor of /proc/self/fd, for walk_reopen_in() by this process; or -errno. */
int walk_open_fds(void);

/* As walk_reopen(), of a descriptor that the walk judged to be of a regular file. @fds_fd is of
 * walk_open_fds(). */
int walk_reopen_in(int fds_fd, int path_fd, int flags);

/* Opens the regular file behind an O_PATH descriptor (or any) anew, with @flags (O_RDONLY …) and
 * O_CLOEXEC | O_NOCTTY | O_NONBLOCK. Returns the descriptor. -EINVAL: not a regular file; -EAGAIN:
 * someone holds a lease on it; -ESTALE: not the same file (a /proc that lies); -EACCES … */
int walk_reopen(int path_fd, int flags);
