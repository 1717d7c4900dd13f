/* SPDX-License-Identifier: MIT */
/* What a process that reads or writes a file once loses by being followed, and what it leaves in
 * memory meanwhile: bench-stream [SIZE_MIB [ROUNDS]]. In turns it is left alone (twice, so that the
 * machine's own noise is told), and followed by the controller's streamer, in this process. Its
 * control group and /proc are folders, so that nothing is reclaimed, and nobody else has the file:
 * what is dropped is what its position has passed. Judges nothing. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/streamer.h"
#include "kernel/residency.h"
#include "unit/kernel/scratch.h"
#include "util/io.h"
#include "util/units.h"

#define CHUNK       (128 * KIB) /* as cat(1) reads, and tar writes */
#define SAMPLE_USEC (5 * USEC_PER_MSEC)
#define ROUNDS_MAX  99

typedef enum Work { READS, WRITES } Work;

typedef struct Bench {
    Scratch files, cgroups, proc;
    Settings settings;
    Host host;
    uint64_t size;
    unsigned n_rounds;
    int fd; /* of the file that is read or written */
} Bench;

typedef struct Run {
    double seconds;
    double share;  /* of one core, ours */
    uint64_t peak; /* bytes of the file in memory */
    uint64_t evicted;
} Run;

static char buffer[CHUNK];

static uint64_t cpu_usec(void)
{
    struct rusage usage;

    must(getrusage(RUSAGE_SELF, &usage));
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_PER_SEC +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static uint64_t resident(const Bench *b)
{
    Residency residency;

    must(residency_of(b->fd, b->size, &residency));
    return residency.resident;
}

/* On the disk and not in memory. */
static void make_cold(const Bench *b)
{
    must(fsync(b->fd));
    for (int i = 0; i < 100 && resident(b) > 0; i++)
        must(posix_fadvise(b->fd, 0, 0, POSIX_FADV_DONTNEED));
}

static void stream(int fd, Work work, uint64_t size)
{
    for (uint64_t done = 0; done < size; done += sizeof buffer)
        if ((work == READS ? read(fd, buffer, sizeof buffer) : write(fd, buffer, sizeof buffer)) !=
            sizeof buffer)
            _exit(1);
    if (work == WRITES && fsync(fd) < 0)
        _exit(1);
}

/* It begins when it can read from *ret_go, and tells the end by closing *ret_end. */
static pid_t start(const Bench *b, Work work, int *ret_go, int *ret_end)
{
    int go[2], end[2];
    char byte;

    must(pipe2(go, O_CLOEXEC));
    must(pipe2(end, O_CLOEXEC));
    pid_t pid = must(fork());
    if (pid > 0) {
        close(go[0]);
        close(end[1]);
        *ret_go = go[1];
        *ret_end = end[0];
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(end[0]);
    int fd = must(openat(b->files.fd, "f", work == READS ? O_RDONLY : O_WRONLY));
    if (read(go[0], &byte, 1) == 1)
        stream(fd, work, b->size);
    _exit(0);
}

static int on_end(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

typedef struct Peak {
    const Bench *bench;
    uint64_t bytes;
} Peak;

static int on_sample(sd_event_source *source, uint64_t usec, void *userdata)
{
    Peak *peak = userdata;

    peak->bytes = max_u64(peak->bytes, resident(peak->bench));
    must(sd_event_source_set_time_relative(source, SAMPLE_USEC));
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void follow(Bench *b, pid_t pid, Streamer **ret)
{
    EvictRule rule = { .stream = true, .rate = UINT64_MAX, .dirty = EVICT_DIRTY_WRITE_BACK };
    Policy policy = { .evicts = &rule, .n_evicts = 1 };
    char text[32], name[32];

    snprintf(text, sizeof text, "%d\n", pid);
    scratch_put(&b->cgroups, "a.service/cgroup.procs", text);
    snprintf(text, sizeof text, "/proc/%d", pid);
    snprintf(name, sizeof name, "%d", pid);
    must(symlinkat(text, b->proc.fd, name));
    must(streamer_new(&b->host, "a.service", ret));
    streamer_want(*ret, &policy);
    streamer_note_pins(*ret, NULL, 0);
    must(streamer_follow(*ret, "/a.service", false));
}

/* One pass over the file, left alone or followed; how much of it is in memory is asked only where
 * that is wanted, since it takes time that nobody else should wait for. */
static Run run(Bench *b, Work work, bool followed, bool sampled)
{
    Peak peak = { .bench = b };
    Streamer *streamer = NULL;
    sd_event_source *sampling = NULL, *ending;
    int go, end, status;
    Run r = { 0 };

    must(sd_event_default(&b->host.event));
    must(jobs_new(b->host.event, &b->host.stream_ask_jobs));
    must(jobs_new(b->host.event, &b->host.stream_jobs));
    make_cold(b);
    if (work == WRITES)
        must(ftruncate(b->fd, 0));
    pid_t pid = start(b, work, &go, &end);
    if (followed)
        follow(b, pid, &streamer);
    must(sd_event_add_io(b->host.event, &ending, end, EPOLLIN, on_end, NULL));
    if (sampled)
        must(sd_event_add_time_relative(b->host.event, &sampling, CLOCK_MONOTONIC, 0, 1, on_sample,
                                        &peak));

    uint64_t cpu = cpu_usec(), began = now_usec();
    must(write(go, "", 1));
    must(sd_event_loop(b->host.event));
    r.seconds = (double)(now_usec() - began) / USEC_PER_SEC;
    r.share = (double)(cpu_usec() - cpu) / USEC_PER_SEC / r.seconds;
    r.peak = peak.bytes;
    if (streamer)
        r.evicted = streamer_status(streamer).dropped;

    must(waitpid(pid, &status, 0));
    if (status != 0) {
        fprintf(stderr, "the stream itself failed\n");
        exit(1);
    }
    streamer_free(streamer);
    b->host.stream_jobs = jobs_free(b->host.stream_jobs);
    b->host.stream_ask_jobs = jobs_free(b->host.stream_ask_jobs);
    sd_event_source_unref(ending);
    sd_event_source_unref(sampling);
    b->host.event = sd_event_unref(b->host.event);
    close(go);
    close(end);
    return r;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void tell(const char *what, double *values, unsigned n, double scale)
{
    qsort(values, n, sizeof *values, compare);
    printf("  %-34s %8.3f (%.3f - %.3f)\n", what, values[n / 2] * scale, values[0] * scale,
           values[n - 1] * scale);
}

static void compare_both(Bench *b, Work work)
{
    double cost[ROUNDS_MAX], noise[ROUNDS_MAX], share[ROUNDS_MAX], peak[ROUNDS_MAX],
        speed[ROUNDS_MAX], dropped[ROUNDS_MAX];
    uint64_t mib = b->size / MIB;

    for (unsigned i = 0; i < b->n_rounds; i++) {
        /* Nobody is always the first. */
        Run early = i % 3 == 0 ? run(b, work, true, false) : (Run){ 0 };
        Run first = run(b, work, false, false);
        if (i % 3 == 1)
            early = run(b, work, true, false);
        Run second = run(b, work, false, false);
        Run followed = i % 3 == 2 ? run(b, work, true, false) : early;

        cost[i] = followed.seconds / ((first.seconds + second.seconds) / 2);
        noise[i] = first.seconds / second.seconds;
        share[i] = followed.share - (first.share + second.share) / 2;
        peak[i] = (double)run(b, work, true, true).peak;
        speed[i] = (double)b->size / MIB / first.seconds;
        dropped[i] = (double)followed.evicted / (double)b->size;
    }
    printf("%s %llu MiB, %u rounds: median (range)\n", work == READS ? "reading" : "writing",
           (unsigned long long)mib, b->n_rounds);
    tell("time, followed / left alone", cost, b->n_rounds, 1);
    tell("time, left alone / left alone", noise, b->n_rounds, 1);
    tell("MiB/s, left alone", speed, b->n_rounds, 1);
    tell("the controller's share of a core", share, b->n_rounds, 1);
    tell("dropped, share of the file", dropped, b->n_rounds, 1);
    tell("in memory at most, followed, MiB", peak, b->n_rounds, 1.0 / MIB);
    fflush(stdout);
}

static void make_world(Bench *b)
{
    b->files = scratch_new(SCRATCH_PARENT);
    b->cgroups = scratch_new("/tmp");
    scratch_put(&b->cgroups, "a.service/memory.current", "0\n");
    scratch_put(&b->cgroups, "a.service/memory.stat",
                "anon 0\nfile 0\nkernel 0\nshmem 0\nfile_mapped 0\nfile_dirty 0\n"
                "file_writeback 0\ninactive_anon 0\nactive_anon 0\ninactive_file 0\n"
                "active_file 0\nunevictable 0\nslab_reclaimable 0\nslab_unreclaimable 0\npgscan 0\n"
                "pgsteal 0\npgmajfault 0\nworkingset_refault_anon 0\nworkingset_refault_file 0\n"
                "workingset_activate_file 0\n");
    host_init(&b->host);
    b->host.settings = &b->settings;
    b->host.cgroup_fd = b->cgroups.fd;
    b->proc = scratch_new("/tmp");
    scratch_folders(&b->proc, "1/fd/"); /* without it others may be hidden */
    scratch_put(&b->proc, "1/maps", "");
    b->host.proc_fd = b->proc.fd;
    b->fd = must(openat(b->files.fd, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    for (uint64_t done = 0; done < b->size; done += sizeof buffer)
        must(write(b->fd, buffer, sizeof buffer));
}

int main(int argc, char **argv)
{
    Bench b = { .size = 3 * GIB, .n_rounds = 7 };

    if (argc > 1)
        b.size = strtoull(argv[1], NULL, 10) * MIB;
    if (argc > 2)
        b.n_rounds = (unsigned)strtoul(argv[2], NULL, 10);
    if (b.size < 64 * MIB || b.n_rounds == 0 || b.n_rounds > ROUNDS_MAX)
        return 2;
    memset(buffer, 'x', sizeof buffer);
    make_world(&b);
    compare_both(&b, READS);
    compare_both(&b, WRITES);
    close(b.fd);
    scratch_done(&b.files);
    scratch_done(&b.cgroups);
    scratch_done(&b.proc);
    return 0;
}
