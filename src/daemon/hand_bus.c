/* SPDX-License-Identifier: MIT */
/* Callers hand over descriptors that they have opened themselves; the path beside each is for
 * people, and for looking later whether the same file still stands there. Who may call is up to the
 * bus (units/org.pagewarden1.conf): root. To ask polkit would take a library of its own. */

#include "daemon/hand_bus.h"

#include <fcntl.h>
#include <limits.h>
#include <pagewarden/names.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "kernel/fs_kind.h"
#include "util/io.h"
#include "util/log.h"
#include "util/units.h"
#include "util/utf8.h"

#define UNIT_NAME_MAX 255
#define LIST_MAX      500 /* files of an answer */

static bool is_unit_name(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  ":-_.\\@";
    size_t length = strlen(name);

    return length <= UNIT_NAME_MAX && name[0] != '.' && name[0] != ':' && strchr(name, '.') &&
           strspn(name, allowed) == length && !pagewarden_owns_unit(name);
}

/* *ret is NULL for "". */
static int read_unit(sd_bus_message *message, const char **ret, sd_bus_error *error)
{
    const char *unit;

    int r = sd_bus_message_read(message, "s", &unit);
    if (r < 0)
        return r;
    if (*unit && !is_unit_name(unit))
        return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "That is no unit's name");
    *ret = *unit ? unit : NULL;
    return 0;
}

/* Pin */

/* Which file system it is, without asking it: the mount's number would be of the caller's mount
 * namespace, the device is the same in ours. statfs(2) is left for devices that are not mounted
 * here, subvolumes of btrfs first of all. */
static const char *refused_file_system(const Host *host, int fd, dev_t dev, char why[FS_WHY_MAX])
{
    char name[FS_NAME_MAX];

    CLEANUP_CLOSE int self = openat(host->proc_fd, "self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = self < 0 ? -errno : fs_name_of_device(self, dev, name);
    if (r < 0)
        r = fs_name_of(fd, 0, name);
    if (r < 0)
        return strerror(-r);
    FsKind kind = fs_kind_of_name(name);
    if (kind == FS_LOCAL || (kind != FS_KERNEL && !host->settings->refuse_network_filesystems))
        return NULL;
    fs_format_passed_over(kind, name, why);
    return why;
}

/* NULL: it can be pinned, and *ret is filled in but for its path and descriptor. */
static const char *judge(const Host *host, int fd, HandWish *ret, char why[FS_WHY_MAX])
{
    struct statx stx;

    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) != O_RDONLY)
        return "is not open for reading only";
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &stx) < 0)
        return strerror(errno);
    if (!S_ISREG(stx.stx_mode))
        return "is not a regular file";
    if (stx.stx_nlink == 0)
        return "is deleted";
    if (stx.stx_size == 0)
        return "is empty";
    *ret = (HandWish){
        .dev = makedev(stx.stx_dev_major, stx.stx_dev_minor),
        .ino = stx.stx_ino,
        .size = stx.stx_size,
    };
    return refused_file_system(host, fd, ret->dev, why);
}

static int add_wish(const Host *host, HandCall *call, int fd, const char *path)
{
    char text[FS_WHY_MAX];
    HandWish wish;

    const char *why = judge(host, fd, &wish, text);
    if (why) {
        pin_problems_add(&call->problems, path, why);
        return 0;
    }
    wish.path = strdup(path);
    wish.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (wish.path && wish.fd >= 0) {
        call->wishes[call->n_wishes++] = wish;
        return 0;
    }
    int r = wish.path ? -errno : -ENOMEM;
    free(wish.path);
    safe_close(wish.fd);
    return r;
}

static int read_wishes(sd_bus_message *message, const Host *host, HandCall *call,
                       sd_bus_error *error)
{
    const char *path;
    size_t n = 0;
    int fd;

    int r = sd_bus_message_enter_container(message, 'a', "(hs)");
    while (r >= 0 && (r = sd_bus_message_read(message, "(hs)", &fd, &path)) > 0) {
        if (path[0] != '/' || strlen(path) >= PATH_MAX)
            return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "That is no absolute path");
        if (n++ == PAGEWARDEN_PIN_MAX)
            return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                     "More than %d files in one call", PAGEWARDEN_PIN_MAX);
        r = add_wish(host, call, fd, path);
    }
    return r;
}

/* What is wrong with files of the call, one a line. */
static int reply_problems(sd_bus_message *message, const PinProblems *problems)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

    int r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "(ss)");
    for (size_t i = 0; i < problems->n_entries && r >= 0; i++) {
        CLEANUP_FREE char *path = utf8_escape(problems->entries[i].path);
        r = path ? sd_bus_message_append(reply, "(ss)", path, problems->entries[i].reason)
                 : -ENOMEM;
    }
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void answer(HandCall *call, const char *error_name, const char *error)
{
    sd_bus_message *message = call->userdata;

    int r = error_name ? sd_bus_reply_method_errorf(message, error_name, "%s", error)
                       : reply_problems(message, &call->problems);
    if (r < 0) /* anything rather than leaving the caller to its timeout */
        r = sd_bus_reply_method_errno(message, r, NULL);
    if (r < 0)
        log_debug("A call of Pin() could not be answered: %s", strerror(-r));
    sd_bus_message_unref(message);
    hand_call_free(call);
}

int hand_bus_pin(sd_bus_message *message, Hands *hands, sd_bus_error *error)
{
    HandCall *call = calloc(1, sizeof(HandCall));
    uint64_t by, usec = 0;
    const char *unit;
    if (!call)
        return -ENOMEM;

    call->wishes = calloc(PAGEWARDEN_PIN_MAX, sizeof(HandWish));
    int r = call->wishes ? read_unit(message, &unit, error) : -ENOMEM;
    if (r >= 0)
        r = sd_bus_message_read(message, "tt", &usec, &by);
    if (r >= 0)
        r = read_wishes(message, hands->host, call, error);
    if (r < 0 || call->n_wishes == 0) {
        if (r >= 0)
            r = reply_problems(message, &call->problems);
        hand_call_free(call);
        return r < 0 ? r : 1;
    }
    call->by = by;
    call->until_usec = usec > 0 ? add_u64(now_usec(), usec) : 0;
    call->answer = answer;
    call->userdata = sd_bus_message_ref(message);
    r = hands_pin(hands, unit, call);
    if (r < 0)
        sd_bus_message_unref(message);
    if (r == -EDQUOT)
        return sd_bus_error_setf(error, PAGEWARDEN_BUS_NAME ".Error.TooManyFiles",
                                 "More than %d files would be pinned by hand", HANDS_FILES_MAX);
    return r < 0 ? r : 1;
}

/* Unpin */

int hand_bus_unpin(sd_bus_message *message, Hands *hands, sd_bus_error *error)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    HandChoice choice = { 0 };
    size_t n = 0;
    int all;

    int r = read_unit(message, &choice.unit, error);
    if (r >= 0)
        r = sd_bus_message_read(message, "b", &all);
    if (r >= 0)
        r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = sd_bus_message_enter_container(message, 'a', "(tts)");
    if (r >= 0 && all)
        n = hands_unpin(hands, &choice);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "s");
    while (r >= 0 && (r = sd_bus_message_read(message, "(tts)", &choice.dev, &choice.ino,
                                              &choice.path)) > 0) {
        size_t chosen = hands_unpin(hands, &choice);
        n += chosen;
        r = chosen == 0 ? sd_bus_message_append(reply, "s", choice.path) : 1;
    }
    hands_flush(hands);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        r = sd_bus_message_append(reply, "t", (uint64_t)n);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* ListByHand */

static uint64_t wall_clock_of(uint64_t until)
{
    struct timespec now;

    if (until == 0)
        return 0;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / NSEC_PER_USEC +
           sub_u64(until, now_usec());
}

static int append_file(sd_bus_message *reply, const Hand *h, const HandFile *file)
{
    CLEANUP_FREE char *path = utf8_escape(file->path ?: "");

    if (!path)
        return -ENOMEM;
    return sd_bus_message_append(
        reply, "(sstttttttt)", h->unit ?: "", path, file->id.dev, file->id.ino, file->by,
        file->since_usec, wall_clock_of(file->until_usec), file->size, file->length, file->locked);
}

int hand_bus_list(sd_bus_message *message, const Hands *hands, sd_bus_error *error)
{
    cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
    uint64_t skip, n = 0;

    int r = sd_bus_message_read(message, "t", &skip);
    if (r >= 0)
        r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "(sstttttttt)");
    for (size_t i = 0; i < hands->n_hands && r >= 0; i++) {
        const Hand *h = hands->hands[i];
        for (const HandFile *file = h->files; file && r >= 0; file = file->hh.next) {
            if (file->let_go || n++ < skip)
                continue;
            if (n > skip + LIST_MAX)
                break;
            r = append_file(reply, h, file);
        }
    }
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
