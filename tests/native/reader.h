/* SPDX-License-Identifier: MIT */
#pragma once

/* A process that reads parts of a file as it is told, and how much of it the kernel read with that.
 * Counted at once: what is not locked may leave memory at any moment. */

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "kernel/residency.h"
#include "native/native.h"

#define READER_PAGES 20 /* read one after another, of which the last are read ahead */
#define READER_PARTS 16 /* of a file, each read once */
#define READER_PART  (2 * MIB)

typedef struct Reader {
    pid_t pid;
    int command, answer;
    unsigned part; /* the next that nobody has read */
    int fd;        /* our own, to count by */
} Reader;

/* A file of READER_PARTS parts, none of it in memory. */
static inline void make_cold_file(const Scratch *scratch, const char *name)
{
    CLEANUP_CLOSE int fd = make_file(scratch, name, READER_PARTS * READER_PART);

    must(fsync(fd));
    must(-posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
}

static inline void reader_live(int fd, int command, int answer)
{
    char page[4096];
    unsigned char part;

    while (read(command, &part, 1) == 1) {
        for (unsigned i = 0; i < READER_PAGES; i++)
            check(pread(fd, page, sizeof page,
                        (off_t)(part * READER_PART + READER_PART / 2 + i * sizeof page)) ==
                  sizeof page);
        check(write(answer, "", 1) == 1);
    }
    _exit(0);
}

/* @fd is what it reads; it is the caller's to close here. */
static inline Reader reader_start(int fd)
{
    int command[2], answer[2];
    Reader reader = { .fd = must(fcntl(fd, F_DUPFD_CLOEXEC, 0)) };

    must(pipe2(command, O_CLOEXEC));
    must(pipe2(answer, O_CLOEXEC));
    fflush(NULL);
    reader.pid = must(fork());
    if (reader.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(command[1]);
        close(reader.fd);
        check(write(answer[1], "", 1) == 1);
        reader_live(fd, command[0], answer[1]);
    }
    close(command[0]);
    close(answer[1]);
    reader.command = command[1];
    reader.answer = answer[0];
    assert_int_equal(read(reader.answer, &(char){ 0 }, 1), 1);
    return reader;
}

static inline void reader_end(Reader *reader)
{
    close(reader->command);
    close(reader->answer);
    close(reader->fd);
    must(waitpid(reader->pid, NULL, 0));
}

/* Pages that came into memory by its reading READER_PAGES of a part that was not there. */
static inline unsigned reader_count(Reader *reader)
{
    unsigned char part = (unsigned char)reader->part++;
    Residency before, after;

    assert_true(part < READER_PARTS);
    assert_int_equal(residency_of_range(reader->fd, part * READER_PART, READER_PART, &before), 0);
    must(write(reader->command, &part, 1));
    assert_int_equal(read(reader->answer, &(char){ 0 }, 1), 1);
    assert_int_equal(residency_of_range(reader->fd, part * READER_PART, READER_PART, &after), 0);
    return (unsigned)((after.resident - before.resident) / 4096);
}
