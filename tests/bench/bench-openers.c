/* SPDX-License-Identifier: MIT */
/* How to know which of many files anybody has open: a look at the descriptors and mappings of all
 * processes, as kernel/openers.c takes one, or fanotify(7) with a mark on each file. The first
 * costs as much for each look, the second for each open and close of whoever, so that the ratio of
 * both tells from how many opens a second on looking is cheaper. Costs are of the processor, ours
 * and that of who opens. Fails if a look misses an open file, or fanotify an open; judges nothing
 * else.
 *
 *     bench-openers [PROCESSES FILES ROUNDS]
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/openers.h"
#include "unit/kernel/scratch.h"
#include "util/parse.h"
#include "util/units.h"

#define LOOK_EVERY 30 /* seconds: `every` of an eviction rule, by default */
#define ROUNDS_MAX 99
#define OPENS      10000

typedef struct Bench {
    Scratch scratch;
    unsigned n_processes, n_files, n_rounds;
    pid_t *pids;
} Bench;

static double cpu_seconds(void)
{
    struct rusage usage;

    must(getrusage(RUSAGE_SELF, &usage));
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / USEC_PER_SEC +
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / USEC_PER_SEC;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, unsigned n)
{
    qsort(values, n, sizeof *values, compare);
    return values[n / 2];
}

static int open_file(const Bench *b, unsigned i)
{
    char name[32];

    snprintf(name, sizeof name, "file-%u", i);
    return must(openat(b->scratch.fd, name, O_RDONLY | O_CREAT | O_CLOEXEC, 0644));
}

/* Processes that have all of the files open, each its share, and the mappings of a program. */
static void start_processes(Bench *b)
{
    unsigned share = b->n_files / b->n_processes;
    int ready[2];

    must(pipe2(ready, O_CLOEXEC));
    b->pids = calloc(b->n_processes, sizeof *b->pids);
    for (unsigned i = 0; i < b->n_processes; i++) {
        b->pids[i] = must(fork());
        if (b->pids[i] > 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (unsigned k = 0; k < share; k++)
            open_file(b, i * share + k);
        must(write(ready[1], "", 1));
        pause();
        _exit(0);
    }
    for (unsigned i = 0; i < b->n_processes; i++)
        must(read(ready[0], &(char){ 0 }, 1));
}

static void end_processes(const Bench *b)
{
    for (unsigned i = 0; i < b->n_processes; i++) {
        must(kill(b->pids[i], SIGKILL));
        must(waitpid(b->pids[i], NULL, 0));
    }
    free(b->pids);
}

/* The cost of one look, in seconds. */
static double look(const Bench *b, int proc_fd)
{
    cleanup(open_set_freep) OpenSet *set = NULL;
    double began = cpu_seconds();

    must(open_set_scan(proc_fd, getpid(), &set));
    double cost = cpu_seconds() - began;
    for (unsigned i = 0; i < b->n_files / b->n_processes * b->n_processes; i++) {
        struct stat st;
        CLEANUP_CLOSE int fd = open_file(b, i);

        must(fstat(fd, &st));
        if (!open_set_is_open(set, st.st_dev, st.st_ino)) {
            fprintf(stderr, "the look missed file-%u\n", i);
            exit(1);
        }
    }
    return cost;
}

/* The cost of marking all files, in seconds. */
static double mark(const Bench *b, int group)
{
    double began = cpu_seconds();

    for (unsigned i = 0; i < b->n_files; i++) {
        char name[32];

        snprintf(name, sizeof name, "file-%u", i);
        must(fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN | FAN_CLOSE, b->scratch.fd, name));
    }
    return cpu_seconds() - began;
}

/* Events are not aligned. */
static unsigned drain(int group)
{
    char buffer[64 * 1024];
    unsigned n_opens = 0;

    for (ssize_t n; (n = read(group, buffer, sizeof buffer)) > 0;) {
        struct fanotify_event_metadata event;

        for (const char *p = buffer; p < buffer + n; p += event.event_len) {
            memcpy(&event, p, sizeof event);
            n_opens += (event.mask & FAN_OPEN) != 0;
        }
    }
    return n_opens;
}

/* The cost of opening and closing a file OPENS times, in seconds; @group is drained after each
 * @batch of them, -1: there is none. */
static double open_and_close(const Bench *b, int group, unsigned batch, unsigned *ret_n_told)
{
    double began = cpu_seconds();

    *ret_n_told = 0;
    for (unsigned i = 0; i < OPENS; i++) {
        close(open_file(b, i % b->n_files));
        if (group >= 0 && i % batch == batch - 1)
            *ret_n_told += drain(group);
    }
    return cpu_seconds() - began;
}

static void compare_both(const Bench *b)
{
    double looks[ROUNDS_MAX], plain[ROUNDS_MAX], watched[ROUNDS_MAX], marks[ROUNDS_MAX];
    CLEANUP_CLOSE int proc_fd = must(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    unsigned n_told = 0, n_merged;

    for (unsigned i = 0; i < b->n_rounds; i++) {
        looks[i] = look(b, proc_fd);
        plain[i] = open_and_close(b, -1, 1, &n_told);
        CLEANUP_CLOSE int group = must(
            fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY));
        marks[i] = mark(b, group);
        watched[i] = open_and_close(b, group, 100, &n_told);
        /* Read as late as a look would come: the same file, opened again, is told once. */
        (void)open_and_close(b, group, OPENS, &n_merged);
        if (n_told == 0 || n_merged == 0) {
            fprintf(stderr, "fanotify tells nothing\n");
            exit(1);
        }
    }
    double one_look = median(looks, b->n_rounds), marking = median(marks, b->n_rounds);
    double event = (median(watched, b->n_rounds) - median(plain, b->n_rounds)) / OPENS;
    if (event <= 0) /* less than the clock can tell */
        event = 1e-9;
    printf("%u processes have %u files open\n", b->n_processes, b->n_files);
    printf("one look:                  %8.2f ms\n", one_look * 1e3);
    printf("marks on all files:        %8.2f ms, %.2f of a look\n", marking * 1e3,
           marking / one_look);
    printf("one open and close more:   %8.2f us; a look is as dear as %.0f of them\n", event * 1e6,
           one_look / event);
    printf("with a look every %d s fanotify is dearer from %.0f opens a second on\n", LOOK_EVERY,
           one_look / event / LOOK_EVERY);
    printf("of %d opens of %u files fanotify tells %u when it is read soon, %u when late\n", OPENS,
           b->n_files, n_told, n_merged);
}

int main(int argc, char **argv)
{
    Bench b = { .n_processes = 500, .n_files = 10000, .n_rounds = 5 };
    unsigned *const arguments[] = { &b.n_processes, &b.n_files, &b.n_rounds };

    for (int i = 1; i < argc && i <= (int)ELEMENTS(arguments); i++)
        *arguments[i - 1] = (unsigned)strtoul(argv[i], NULL, 10);
    if (b.n_processes == 0 || b.n_files < b.n_processes || b.n_rounds == 0 ||
        b.n_rounds > ROUNDS_MAX)
        return 2;
    b.scratch = scratch_new(SCRATCH_PARENT);
    start_processes(&b);
    compare_both(&b);
    end_processes(&b);
    scratch_done(&b.scratch);
    return 0;
}
