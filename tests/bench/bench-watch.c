/* SPDX-License-Identifier: MIT */
/* What a second costs with so many governed control groups: a look at each and the decision about
 * its memory.high, beside a loop that does nothing but read the same files through descriptors that
 * stay open. The tree is a folder of ordinary files; on a real one each read costs more, as the
 * kernel makes up what it says, and that on both sides.
 *
 * bench-watch [ROUNDS [CGROUPS]]: as many as there may be descriptors for, at most. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/target.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/io.h"
#include "util/log.h"

#define TICKS 10

static const char *const names[] = {
    "memory.stat",   "memory.current",      "memory.min",      "memory.high",     "memory.max",
    "memory.events", "memory.swap.current", "memory.swap.max", "memory.pressure", "io.pressure",
};

#define FILES ELEMENTS(names)

static const char *const texts[FILES] = {
    NULL,
    "104857600\n",
    "0\n",
    "max\n",
    "max\n",
    "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n",
    "0\n",
    "max\n",
    "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=123\n",
    "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=123\n",
};

static uint64_t cpu_usec(void)
{
    struct rusage usage;

    must(getrusage(RUSAGE_SELF, &usage));
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_PER_SEC +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void make_tree(const Scratch *root, const char *stat, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        for (size_t k = 0; k < FILES; k++) {
            char path[64];
            snprintf(path, sizeof path, "t/%u/%s", i, names[k]);
            scratch_put(root, path, texts[k] ?: stat);
        }
}

static int *open_all(const Scratch *root, unsigned n)
{
    int *fds = malloc(n * FILES * sizeof(int));

    if (!fds)
        abort();
    for (unsigned i = 0; i < n; i++)
        for (size_t k = 0; k < FILES; k++) {
            char path[64];
            snprintf(path, sizeof path, "t/%u/%s", i, names[k]);
            fds[i * FILES + k] = openat(root->fd, path, O_RDONLY | O_CLOEXEC);
            must(fds[i * FILES + k]);
        }
    return fds;
}

static void read_all(const int *fds, unsigned n)
{
    char buffer[16384];

    for (size_t i = 0; i < n * FILES; i++)
        if (pread(fds[i], buffer, sizeof buffer, 0) <= 0)
            abort();
}

static Target **govern(Host *host, const Policy *policy, unsigned n)
{
    Target **targets = calloc(n, sizeof(Target *));

    if (!targets)
        abort();
    for (unsigned i = 0; i < n; i++) {
        char path[32];
        snprintf(path, sizeof path, "/t/%u", i);
        if (target_new(host, policy, path, NULL, NULL, NULL, &targets[i]) < 0)
            abort();
        target_note_listed(targets[i], true, now_usec());
        if (!targets[i]->cgroup)
            abort();
    }
    return targets;
}

static void tick(Target *const *targets, unsigned n, uint64_t now)
{
    const TargetMoment moment = { .now_usec = now };

    for (unsigned i = 0; i < n; i++)
        (void)target_look(targets[i], now);
    for (unsigned i = 0; i < n; i++)
        target_act(targets[i], &moment);
    for (unsigned i = 0; i < n; i++)
        if (!targets[i]->has_sample)
            abort();
}

static uint64_t resident(void)
{
    unsigned long long pages = 0, ignored;
    FILE *in = fopen("/proc/self/statm", "re");

    if (!in || fscanf(in, "%llu %llu", &ignored, &pages) != 2)
        abort();
    fclose(in);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

int main(int argc, char *argv[])
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 9;
    unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 1000;
    const Settings settings = { .interval_usec = USEC_PER_SEC };
    const Policy policy = {
        .name = (char *)"track",
        .mode = MODE_OBSERVE, /* decides, and asks nobody for anything */
        .cache_max = LIMIT_NONE,
        .memory_high = { .mode = LIMIT_TRACK, .max = LIMIT_NONE, .pressure = 1000 },
    };
    struct rlimit files;
    CLEANUP_SCRATCH Scratch root = scratch_new("/dev/shm");
    CLEANUP_FREE char *stat = NULL;
    size_t size;

    must(getrlimit(RLIMIT_NOFILE, &files));
    files.rlim_cur = files.rlim_max;
    must(setrlimit(RLIMIT_NOFILE, &files));
    if (n > (files.rlim_max - 64) / (2 * FILES + 2))
        n = (unsigned)(files.rlim_max - 64) / (2 * FILES + 2);
    if (read_file_alloc(AT_FDCWD, STAT_FIXTURE, 65536, &stat, &size) < 0)
        abort();
    make_tree(&root, stat, n);
    CLEANUP_FREE int *fds = open_all(&root, n);
    log_set_max_level(LOG_ERR);
    Ledger ledger = { .dir_fd = -1 };
    Host host = { .ledger = &ledger,
                  .root_fd = -1,
                  .proc_fd = -1,
                  .cgroup_fd = root.fd,
                  .settings = &settings,
                  .page = 4096 };
    uint64_t before = resident();
    Target **targets = govern(&host, &policy, n);
    uint64_t now = now_usec();

    for (unsigned round = 0; round < rounds; round++) {
        uint64_t a = cpu_usec();
        for (unsigned i = 0; i < TICKS; i++)
            read_all(fds, n);
        uint64_t b = cpu_usec();
        for (unsigned i = 0; i < TICKS; i++)
            tick(targets, n, now += USEC_PER_SEC);
        uint64_t c = cpu_usec();
        printf("%u control groups: %.1f µs each to read, %.1f to look and decide: %.2f ×\n", n,
               (double)(b - a) / TICKS / n, (double)(c - b) / TICKS / n,
               (double)(c - b) / (double)(b - a));
    }
    printf("%.0f bytes of memory each\n", (double)(resident() - before) / n);
    for (unsigned i = 0; i < n; i++)
        target_free(targets[i]);
    free(targets);
    return 0;
}
