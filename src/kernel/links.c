/* SPDX-License-Identifier: MIT */
/* A link is opened as O_PATH, judged by that descriptor, and read through it: what is judged is
 * what is read, and the kernel never follows one, so that /proc's magic links are but text. The
 * outcome is text too. It grants nothing: the walk opens it anew, and follows no link at all.
 *
 * The folders above stay open, so that ".." is the folder one came through, and at the top the top.
 */
#include "kernel/links.h"

#include <limits.h>
#include <string.h>

#include "util/cleanup.h"

typedef struct Level {
    int fd;
    Entry entry;
    size_t length; /* of its path, in done */
} Level;

typedef struct Resolution {
    Level levels[LINKS_FOLDERS_MAX + 1]; /* the first is the root, whose descriptor is borrowed */
    size_t depth;
    unsigned links;
    bool network;
    char done[PATH_MAX]; /* "/a/b" is where we are, and no link is in it */
    char rest[PATH_MAX]; /* "c/d" is still to go */
} Resolution;

bool link_is_trusted(const Entry *folder, const Entry *link)
{
    return folder->roots && link->st.st_uid == 0;
}

static void leave(Resolution *way, size_t depth)
{
    for (; way->depth > depth; way->depth--)
        safe_close(way->levels[way->depth].fd);
    way->done[way->levels[depth].length] = '\0';
}

static void resolution_done(Resolution **way)
{
    if (*way)
        leave(*way, 0);
    free(*way);
}

/* Takes the first name off what is to go. */
static void drop_name(Resolution *way)
{
    char *behind = way->rest + strcspn(way->rest, "/");

    behind += strspn(behind, "/");
    memmove(way->rest, behind, strlen(behind) + 1);
}

/* 1: the link's text stands where its name stood; 0: it cannot be followed. */
static int follow(Resolution *way, int fd, const Entry *link)
{
    char text[PATH_MAX];

    if (!link_is_trusted(&way->levels[way->depth].entry, link) || way->links == LINKS_MAX)
        return 0;
    ssize_t n = readlinkat(fd, "", text, sizeof text);
    const char *behind = strchr(way->rest, '/');
    size_t length = behind ? strlen(behind) : 0;
    if (n <= 0 || (size_t)n + length >= sizeof way->rest)
        return 0;

    memmove(way->rest + n, behind ? behind : "", length + 1);
    memcpy(way->rest, text, (size_t)n);
    if (text[0] == '/')
        leave(way, 0);
    way->links++;
    return 1;
}

/* 1: went on by a name; 0: it ends here; -errno. */
static int enter(Resolution *way, const char *name)
{
    const Level *folder = &way->levels[way->depth];
    Level next = { .length = folder->length + 1 + strlen(name) };

    if ((folder->entry.kind == FS_NETWORK || folder->entry.kind == FS_FUSE) && !way->network)
        return 0; /* the server is not even asked for a name */
    CLEANUP_CLOSE int fd = entry_open(folder->fd, name, true);
    int r = fd < 0 ? fd : entry_stat(fd, &folder->entry, &next.entry);
    if (r < 0)
        return entry_error_is_ours(-r) ? r : 0;
    if (S_ISLNK(next.entry.st.st_mode))
        return follow(way, fd, &next.entry);
    if (!S_ISDIR(next.entry.st.st_mode) || way->depth == LINKS_FOLDERS_MAX ||
        next.length >= sizeof way->done)
        return 0;

    way->done[folder->length] = '/';
    strcpy(way->done + folder->length + 1, name);
    next.fd = TAKE_FD(fd);
    way->levels[++way->depth] = next;
    drop_name(way);
    return 1;
}

static int step(Resolution *way)
{
    char name[NAME_MAX + 1];
    size_t length = strcspn(way->rest, "/");

    if (length > NAME_MAX)
        return 0;
    memcpy(name, way->rest, length);
    name[length] = '\0';
    if (length > 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        return enter(way, name);
    if (strcmp(name, "..") == 0 && way->depth > 0)
        leave(way, way->depth - 1);
    drop_name(way);
    return 1;
}

/* Nothing is found behind the end of the way: only that something was asked for there counts, and
 * that no ".." gets out. */
static char *join(const Resolution *way)
{
    size_t length = strlen(way->done);
    char *path = malloc(length + strlen(way->rest) + 2), *to = path;
    if (!path)
        return NULL;

    to = stpcpy(to, way->done);
    for (const char *name = way->rest; *name; name += strspn(name, "/")) {
        size_t n = strcspn(name, "/");
        if (!(n <= 2 && strncmp(name, "..", n) == 0)) {
            *to++ = '/';
            to = mempcpy(to, name, n);
        }
        name += n;
    }
    *to = '\0';
    return path;
}

int links_resolve(int root_fd, const char *path, bool network, char **ret)
{
    cleanup(resolution_done) Resolution *way = calloc(1, sizeof *way);
    if (!way)
        return -ENOMEM;

    way->network = network;
    way->levels[0].fd = root_fd;
    int r = entry_stat(root_fd, NULL, &way->levels[0].entry);
    if (r < 0)
        return r;
    if (strlen(path) >= sizeof way->rest)
        return -ENAMETOOLONG;
    strcpy(way->rest, path);
    do
        r = *way->rest ? step(way) : 0;
    while (r > 0);
    if (r < 0)
        return r;

    char *joined = join(way);
    if (!joined)
        return -ENOMEM;
    *ret = joined;
    return 0;
}
