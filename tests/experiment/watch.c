/* SPDX-License-Identifier: MIT */

/* The eye of the experiment: once a second, one line of JSON on how much of the critical service's
 * file is in memory, what its cgroup has refaulted, and how far the neighbour is. It shares no code
 * with pagewarden's own residency, so that the one can be held against the other, and it touches no
 * page: cachestat(2), or where the kernel has none (before 6.5) mincore(2) of a mapping never read.
 *
 * What cannot be known at the moment (the cgroup is not there yet, or gone) is null. */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "util/cleanup.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/units.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451 /* the same on every architecture */
#endif

#define PAGE          4096U
#define MINCORE_PAGES 32768U /* 128 MiB at a time: a vector of 32 KiB */
#define STAT_MAX      16384  /* bytes of memory.stat; 6.12 writes some 2 KiB */

/* include/uapi/linux/mman.h of Linux 6.5; older headers lack it. */
struct range {
    uint64_t offset, length;
};
struct residency {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

static volatile sig_atomic_t stop_asked;

static void on_signal(int signal)
{
    stop_asked = 1;
}

/* Pages of the whole file by mincore; -errno. */
static int count_mincore(int fd, uint64_t size, uint64_t *ret_pages)
{
    static unsigned char vector[MINCORE_PAGES];
    uint64_t pages = 0;

    for (uint64_t at = 0; at < size; at += (uint64_t)MINCORE_PAGES * PAGE) {
        size_t length = min_u64(size - at, (uint64_t)MINCORE_PAGES * PAGE);
        void *map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)at);
        if (map == MAP_FAILED)
            return -errno;
        int r = mincore(map, length, vector) < 0 ? -errno : 0;
        (void)munmap(map, length);
        if (r < 0)
            return r;
        for (size_t i = 0; i < (length + PAGE - 1) / PAGE; i++)
            pages += vector[i] & 1;
    }
    *ret_pages = pages;
    return 0;
}

static int count_resident(int fd, uint64_t *ret_pages)
{
    struct range all = { 0, 0 };
    struct residency residency;
    struct stat st;

    if (syscall(SYS_cachestat, fd, &all, &residency, 0) == 0) {
        *ret_pages = residency.cached;
        return 0;
    }
    if (errno != ENOSYS)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    return count_mincore(fd, (uint64_t)st.st_size, ret_pages);
}

/* The value after @key in a file of "key value" lines, or of the only number where @key is NULL. */
static bool read_value(const char *folder, const char *name, const char *key, uint64_t *ret)
{
    char path[4096], text[STAT_MAX];
    const char *value = text;

    if (!folder || snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) ||
        read_file_at(AT_FDCWD, path, text, sizeof(text)) < 0)
        return false;
    if (key) {
        char line[128];
        (void)snprintf(line, sizeof(line), "\n%s ", key);
        value = strstr(text, line);
        if (!value)
            return false;
        value += strlen(line);
    }
    return sscanf(value, "%" SCNu64, ret) == 1;
}

static void print_value(const char *name, bool known, uint64_t value)
{
    if (known)
        printf(",\"%s\":%" PRIu64, name, value);
    else
        printf(",\"%s\":null", name);
}

typedef struct Watched {
    int fd;
    const char *file;
    const char *service;   /* cgroup folders */
    const char *neighbour; /* may be NULL */
    const char *progress;  /* folder with the neighbour's file "progress"; may be NULL */
} Watched;

static void print_sample(const Watched *w)
{
    struct timespec now;
    uint64_t pages = 0, value;
    int r = count_resident(w->fd, &pages);
    if (r < 0) {
        errno = -r;
        err(EXIT_FAILURE, "%s", w->file);
    }

    /* The clock of /proc/uptime, so that a shell script can tell the time of its own doings. */
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    printf("{\"t\":%.2f,\"resident\":%" PRIu64, (double)now.tv_sec + (double)now.tv_nsec / 1e9,
           pages * PAGE);
    bool known = read_value(w->service, "memory.stat", "workingset_refault_file", &value);
    print_value("refaults", known, value);
    known = read_value(w->service, "memory.stat", "unevictable", &value);
    print_value("unevictable", known, value);
    known = read_value(w->neighbour, "memory.current", NULL, &value);
    print_value("neighbour_current", known, value);
    known = read_value(w->neighbour, "memory.high", NULL, &value);
    print_value("neighbour_high", known, value);
    known = read_value(w->progress, "progress", NULL, &value);
    print_value("streamed", known, value);
    puts("}");
    if (fflush(stdout) != 0)
        err(EXIT_FAILURE, "standard output");
}

static const char help[] =
    "Usage: watch --file FILE --service CGROUP [OPTION…]\n"
    "One line of JSON a second on the residency of FILE, until SIGTERM.\n"
    "\n"
    "      --service FOLDER     cgroup of the service whose refaults are counted\n"
    "      --neighbour FOLDER   cgroup of the neighbour\n"
    "      --progress FOLDER    where the neighbour keeps its file \"progress\"\n"
    "      --once               one line, and end\n";

int main(int argc, char **argv)
{
    static const struct option table[] = { { "file", required_argument, NULL, 'f' },
                                           { "service", required_argument, NULL, 's' },
                                           { "neighbour", required_argument, NULL, 'n' },
                                           { "progress", required_argument, NULL, 'P' },
                                           { "once", no_argument, NULL, '1' },
                                           { "help", no_argument, NULL, 'h' },
                                           {} };
    struct sigaction action = { .sa_handler = on_signal };
    Watched watched = { .fd = -1 };
    bool once = false;
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1)
        switch (c) {
        case 'f':
            watched.file = optarg;
            break;
        case 's':
            watched.service = optarg;
            break;
        case 'n':
            watched.neighbour = optarg;
            break;
        case 'P':
            watched.progress = optarg;
            break;
        case '1':
            once = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_SUCCESS;
        default:
            return EXIT_FAILURE;
        }
    if (!watched.file || optind < argc)
        errx(EXIT_FAILURE, "exactly one --file is needed; see --help");
    watched.fd = open(watched.file, O_RDONLY | O_CLOEXEC);
    if (watched.fd < 0)
        err(EXIT_FAILURE, "%s", watched.file);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);

    struct timespec next;
    (void)clock_gettime(CLOCK_MONOTONIC, &next);
    while (!stop_asked) {
        print_sample(&watched);
        if (once)
            break;
        next.tv_sec++;
        while (!stop_asked && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR)
            ;
    }
    return EXIT_SUCCESS;
}
