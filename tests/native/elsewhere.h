/* SPDX-License-Identifier: MIT */
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native/native.h"

/* A process that maps @size bytes of the file, and has touched each page, but does not have it
 * open. */
static inline pid_t map_elsewhere(int fd, size_t size)
{
    int down[2];
    char byte;

    must(pipe2(down, O_CLOEXEC));
    pid_t pid = must(fork());
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        char *address = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
        check(address != MAP_FAILED);
        check(madvise(address, size, MADV_POPULATE_READ) == 0);
        close(fd);
        check(write(down[1], "m", 1) == 1);
        for (;;)
            pause();
    }
    close(down[1]);
    assert_int_equal(must(read(down[0], &byte, 1)), 1);
    close(down[0]);
    return pid;
}

/* Ends it. */
static inline void unmap(pid_t pid)
{
    must(kill(pid, SIGKILL));
    must(waitpid(pid, NULL, 0));
}
