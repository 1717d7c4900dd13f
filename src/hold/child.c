/* SPDX-License-Identifier: MIT */
#include "hold/child.h"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "util/cleanup.h"

/* The controller's workers have all signals blocked; it should not. */
static int spawn(const char *program, char *const argv[], int input, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;

    sigemptyset(&none);
    int r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return -r;
    r = posix_spawnattr_init(&attributes);
    if (r != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -r;
    }
    r = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (r == 0)
        r = posix_spawnattr_setsigmask(&attributes, &none);
    if (r == 0)
        r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    if (r == 0)
        r = posix_spawn(ret, program, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

int hold_child_start(const char *program, char *const argv[], HoldChild *ret)
{
    int pair[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    int r = spawn(program, argv, pair[1], &pid);
    safe_close(pair[1]);
    if (r < 0) {
        safe_close(pair[0]);
        return r;
    }
    *ret = (HoldChild){ .pid = pid, .fd = pair[0] };
    return 0;
}

void hold_child_end(HoldChild *child)
{
    if (child->fd < 0)
        return;
    child->fd = safe_close(child->fd);
    (void)kill(child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
