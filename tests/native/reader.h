/* SPDX-License-Identifier: MIT */
#pragma once

/* A process that reads parts of a file as it is told, and how much of it the kernel read with that.
 * Counted at once, and several times: what is not locked may leave memory at any moment. */

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "kernel/residency.h"
#include "native/native.h"

#define READER_PAGES 20 /* read one after another, of which the last are read ahead */
#define READER_PARTS 16 /* of a file, read in turn */
#define READER_LOOKS 5
#define READER_PART  (2 * MIB)

typedef struct Reader {
    pid_t pid;
    int command, answer;
    unsigned part; /* the next */
    int fd;        /* our own, to count by */
} Reader;

/* A file of READER_PARTS parts, none of it in memory. */
static inline void make_cold_file(const Scratch *scratch, const char *name)
{
    CLEANUP_CLOSE int fd = make_file(scratch, name, READER_PARTS * READER_PART);

    make_cold(fd, READER_PARTS * READER_PART);
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

/* Pages that came into memory by its reading READER_PAGES of a part that was not there. True when
 * these are still there. */
static inline bool reader_look(Reader *reader, unsigned *ret_pages)
{
    unsigned char part = (unsigned char)(reader->part++ % READER_PARTS);
    Residency before, after;

    must(-posix_fadvise(reader->fd, part * READER_PART, READER_PART, POSIX_FADV_DONTNEED));
    assert_int_equal(residency_of_range(reader->fd, part * READER_PART, READER_PART, &before), 0);
    must(write(reader->command, &part, 1));
    assert_int_equal(read(reader->answer, &(char){ 0 }, 1), 1);
    assert_int_equal(residency_of_range(reader->fd, part * READER_PART, READER_PART, &after), 0);
    *ret_pages = (unsigned)(after.resident / 4096);
    return before.resident == 0 && *ret_pages >= READER_PAGES;
}

/* The most of a few looks, since eviction can only take away from it. */
static inline unsigned reader_count(Reader *reader)
{
    unsigned pages, most = 0;

    for (int i = 0; i < READER_LOOKS; i++) {
        assert_true(in_one_of_some_tries(reader_look(reader, &pages)));
        most = pages > most ? pages : most;
    }
    return most;
}
