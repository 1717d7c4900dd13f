/* SPDX-License-Identifier: MIT */
/* The process is pagewarden-hold --fill. It is started here, moved into the group by its pid, and
 * only then told what to read; clone3(CLONE_INTO_CGROUP) would save the move, and our unit's
 * sandbox forbids clone3. One batch is one process: it is gone before its service can notice it as
 * left over, and a stop of the service that kills it costs a batch. Where the controller ends, or
 * nobody wants the batch any more, it is killed.
 *
 * What is in memory already stays charged to whoever read it, unless it is to be evicted first.
 * Nothing of a file that is dirty is, lest it be written, or that the disk refused; and eviction
 * does nothing to what is mapped by somebody: then that stays as it is, too. */

#include "daemon/pin_fill.h"

#include <fcntl.h>
#include <pagewarden/hold-protocol.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "config.h"
#include "hold/child.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/units.h"

/* For a slice, on a slow disk, in a service whose CPU is limited. The queue waits for it. */
#define FILL_USEC (30 * USEC_PER_SEC)
/* How often it is asked whether anybody still wants it. */
#define LOOK_USEC (100 * USEC_PER_MSEC)

static void evict(const PinFill *fill)
{
    for (size_t i = 0; i < fill->fds.n; i++) {
        const HoldItem *item = &fill->packet.items[i];
        if (fill->evict[i] && barred_lets_go(fill->barred, fill->fds.fds[i]))
            (void)posix_fadvise(fill->fds.fds[i], (off_t)item->offset, (off_t)item->length,
                                POSIX_FADV_DONTNEED);
    }
}

static int open_members(const PinFill *fill)
{
    CLEANUP_FREE char *path = NULL;

    if (fill->cgroup_fd < 0)
        return -EOPNOTSUPP;
    if (asprintf(&path, ".%s/cgroup.procs", fill->cgroup_path) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    int fd = openat(fill->cgroup_fd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int add_member(int members, pid_t pid)
{
    char text[16];

    int n = snprintf(text, sizeof(text), "%d", (int)pid);
    return write(members, text, (size_t)n) < 0 ? -errno : 0;
}

/* -ECANCELED: nobody waits for it any more. */
static int wait_for_answer(const PinFill *fill, int socket_fd, HoldPacket *ret)
{
    uint64_t until = now_usec() + FILL_USEC;
    int r;

    while ((r = hold_receive(socket_fd, ret, NULL)) == -EAGAIN) {
        if (atomic_load(&fill->job.cancelled))
            return -ECANCELED;
        if (now_usec() >= until)
            return -ETIMEDOUT;
    }
    return r;
}

/* Hands all over. */
static int ask(PinFill *fill, int socket_fd)
{
    HoldPacket answer;

    int r = hold_send(socket_fd, &fill->packet, fill->fds.fds, fill->fds.n);
    if (r >= 0)
        r = wait_for_answer(fill, socket_fd, &answer);
    if (r <= 0)
        return r < 0 ? r : -EPIPE;
    if (answer.header.type != HOLD_DONE || answer.header.n_items != fill->packet.header.n_items)
        return -EPROTO;
    for (uint32_t i = 0; i < answer.header.n_items; i++)
        fill->errors[i] = answer.items[i].error;
    return 0;
}

static int read_within(PinFill *fill)
{
    static char *const argv[] = { (char *)"pagewarden-hold", (char *)"--fill", NULL };
    struct timeval patience = { .tv_usec = LOOK_USEC };
    HoldChild child;

    CLEANUP_CLOSE int members = open_members(fill);
    if (members < 0)
        return members;
    int r = hold_child_start(fill->program, argv, &child);
    if (r < 0)
        return r;
    if (setsockopt(child.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
        r = -errno;
    if (r >= 0)
        r = add_member(members, child.pid);
    if (r >= 0)
        r = ask(fill, child.fd);
    hold_child_end(&child);
    return r;
}

static void run(Job *job)
{
    PinFill *fill = (PinFill *)job;

    evict(fill);
    fill->error = fill->cgroup_path ? read_within(fill) : 0;
}

static void destroy(Job *job)
{
    pin_fill_free((PinFill *)job);
}

PinFill *pin_fill_new(int cgroup_fd, const char *cgroup_path, Barred *barred,
                      void (*done)(Job *job, void *owner), void *owner)
{
    PinFill *fill = calloc(1, sizeof(PinFill));
    if (!fill)
        return NULL;

    fill->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = owner };
    fill->cgroup_fd = cgroup_fd;
    fill->barred = barred;
    fill->program = PAGEWARDEN_HOLD_PATH;
    fill->packet.header.type = HOLD_PIN;
    fill->cgroup_path = cgroup_path ? strdup(cgroup_path) : NULL;
    if (cgroup_path && !fill->cgroup_path) {
        free(fill);
        return NULL;
    }
    return fill;
}

int pin_fill_add(PinFill *fill, int fd, uint64_t offset, uint64_t length, bool evict_first)
{
    size_t i = fill->fds.n;

    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return -errno;
    fill->fds.fds[fill->fds.n++] = own;
    fill->evict[i] = evict_first;
    fill->packet.items[i] = (HoldItem){
        .offset = offset,
        .length = length,
        .lock = HOLD_LOCK_NONE,
        .flags = HOLD_WITH_FD,
    };
    fill->packet.header.n_items = (uint32_t)fill->fds.n;
    return 0;
}

void pin_fill_free(PinFill *fill)
{
    if (!fill)
        return;
    hold_fds_close(&fill->fds);
    free(fill->cgroup_path);
    free(fill);
}

const char *pin_fill_error_text(int error)
{
    switch (error) {
    case -ENOENT:
    case -ENODEV:
        return "the service that it is to be charged to has no control group now";
    case -EBUSY:
    case -EOPNOTSUPP:
        return "the control group of the service takes no process that would be charged";
    case -EACCES:
    case -EPERM:
        return "the control group of the service that it is to be charged to is somebody else's";
    case -ETIMEDOUT:
        return "reading it at the charge of the service takes too long";
    case -EPIPE:
    case -ECONNRESET:
        return "reading it at the charge of the service was broken off";
    default:
        return strerror(-error);
    }
}
