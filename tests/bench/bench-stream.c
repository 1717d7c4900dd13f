/* SPDX-License-Identifier: MIT */
/* What a process that reads or writes a file once loses by being followed, and what it leaves in
 * memory meanwhile: bench-stream [SIZE_MIB [ROUNDS [MIB_PER_SECOND [FOLDER]]]]. In turns it is left
 * alone (twice, so that the machine's own noise is told), and followed by the controller's
 * streamer, in this process. Its control group and /proc are folders, so that nothing is reclaimed,
 * and nobody else has the file: what is dropped is what its position has passed. Judges nothing.
 *
 * With a rate it waits before each piece as it would for a disk that is no faster. Of what it is
 * late it makes up only what such a disk would have ready for it (AHEAD): a delay counts. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/streamer.h"
#include "kernel/residency.h"
#include "unit/kernel/scratch.h"
#include "util/io.h"
#include "util/units.h"

#define CHUNK       (128 * KIB) /* as cat(1) reads, and tar writes */
#define AHEAD       (1 * MIB)   /* is read ahead, or taken by a queue */
#define READY       3           /* times the file, */
#define READY_MAX   GIB         /* and what any machine has */
#define SAMPLE_USEC (5 * USEC_PER_MSEC)
#define ROUNDS_MAX  99

typedef enum Work { READS, WRITES } Work;

typedef struct Bench {
    Scratch files, cgroups, proc;
    Settings settings;
    Host host;
    uint64_t size;
    uint64_t rate; /* bytes per second; 0: as fast as can be */
    unsigned n_rounds;
    int fd; /* of the file that is read or written */
} Bench;

typedef struct Run {
    double seconds; /* until its last read, or write */
    double synced;  /* until all is on the disk, too */
    double cpu;     /* seconds, of its own */
    double ours;    /* likewise */
    uint64_t read;  /* bytes from the disk */
    uint64_t peak;  /* bytes of the file in memory */
    uint64_t evicted;
} Run;

static char buffer[CHUNK];

static double seconds_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / USEC_PER_SEC;
}

static double our_cpu(void)
{
    struct rusage usage;

    must(getrusage(RUSAGE_SELF, &usage));
    return seconds_of(&usage);
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

/* Memory that has lain free may first have to be had from the host of a virtual machine, at ten
 * times the price of the read itself. So whoever comes next finds more than the file takes that was
 * just in use: else what is followed, which takes little, would win by that. */
static void make_memory_ready(const Bench *b)
{
    uint64_t size = min_u64(READY * b->size, READY_MAX);
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
                   -1, 0);

    if (p == MAP_FAILED || munmap(p, size) < 0) {
        perror("memory");
        exit(1);
    }
}

/* Until the disk would have the next piece ready. */
static void wait_for_disk(uint64_t rate, uint64_t *due_nsec)
{
    struct timespec ts;

    if (rate == 0)
        return;
    must(clock_gettime(CLOCK_MONOTONIC, &ts));
    uint64_t now = (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
    *due_nsec = max_u64(*due_nsec + CHUNK * NSEC_PER_SEC / rate, now - AHEAD * NSEC_PER_SEC / rate);
    if (*due_nsec <= now)
        return;
    ts = (struct timespec){ (time_t)(*due_nsec / NSEC_PER_SEC), (long)(*due_nsec % NSEC_PER_SEC) };
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* *ret_usec: how long it took, without fsync(2). */
static void stream(int fd, Work work, const Bench *b, uint64_t *ret_usec)
{
    uint64_t began = now_usec(), due_nsec = 0;

    for (uint64_t done = 0; done < b->size; done += sizeof buffer) {
        wait_for_disk(b->rate, &due_nsec);
        if ((work == READS ? read(fd, buffer, sizeof buffer) : write(fd, buffer, sizeof buffer)) !=
            sizeof buffer)
            _exit(1);
    }
    *ret_usec = now_usec() - began;
    if (work == WRITES && fsync(fd) < 0)
        _exit(1);
}

/* It begins when it can read from *ret_go, and writes to *ret_end how long it took, in µs. */
static pid_t start(const Bench *b, Work work, int *ret_go, int *ret_end)
{
    int go[2], end[2];
    uint64_t usec;
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
    if (read(go[0], &byte, 1) != 1)
        _exit(1);
    stream(fd, work, b, &usec);
    _exit(write(end[1], &usec, sizeof usec) == sizeof usec ? 0 : 1);
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
    must(streamer_follow(*ret, "/a.service", false));
}

/* One pass over the file, left alone or followed; how much of it is in memory is asked only where
 * that is wanted, since it takes time that nobody else should wait for. */
static Run run(Bench *b, Work work, bool followed, bool sampled)
{
    Peak peak = { .bench = b };
    Streamer *streamer = NULL;
    sd_event_source *sampling = NULL, *ending;
    struct rusage usage;
    int go, end, status;
    uint64_t usec;
    Run r = { 0 };

    must(sd_event_default(&b->host.event));
    must(jobs_new(b->host.event, &b->host.stream_ask_jobs));
    must(jobs_new(b->host.event, &b->host.stream_jobs));
    make_cold(b);
    make_memory_ready(b);
    if (work == WRITES)
        must(ftruncate(b->fd, 0));
    pid_t pid = start(b, work, &go, &end);
    if (followed)
        follow(b, pid, &streamer);
    must(sd_event_add_io(b->host.event, &ending, end, EPOLLIN, on_end, NULL));
    if (sampled)
        must(sd_event_add_time_relative(b->host.event, &sampling, CLOCK_MONOTONIC, 0, 1, on_sample,
                                        &peak));

    double cpu = our_cpu();
    uint64_t began = now_usec();
    must(write(go, "", 1));
    must(sd_event_loop(b->host.event));
    r.synced = (double)(now_usec() - began) / USEC_PER_SEC;
    r.ours = our_cpu() - cpu;
    r.peak = peak.bytes;
    if (streamer)
        r.evicted = streamer_status(streamer).dropped;

    must(wait4(pid, &status, 0, &usage));
    if (status != 0 || read(end, &usec, sizeof usec) != sizeof usec) {
        fprintf(stderr, "the stream itself failed\n");
        exit(1);
    }
    r.seconds = (double)usec / USEC_PER_SEC;
    r.cpu = seconds_of(&usage);
    r.read = (uint64_t)usage.ru_inblock * 512;
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

typedef struct Values {
    double of[ROUNDS_MAX];
} Values;

static void tell(const Bench *b, const char *what, Values *values, const char *unit)
{
    unsigned n = b->n_rounds;

    qsort(values->of, n, sizeof values->of[0], compare);
    printf("  %-42s %8.3f (%.3f - %.3f)%s\n", what, values->of[n / 2], values->of[0],
           values->of[n - 1], unit);
}

typedef struct Figures {
    Values cost, noise, synced, cpu, cpu_noise, ours, read, dropped, peak, speed;
} Figures;

static void one_round(Bench *b, Work work, unsigned i, Figures *f)
{
    double size = (double)b->size, gib = size / GIB;
    Run alone[2], followed;

    /* Nobody is always the first. */
    for (unsigned k = 0, n = 0; k < 3; k++) {
        if (k == i % 3)
            followed = run(b, work, true, false);
        else
            alone[n++] = run(b, work, false, false);
    }
    double cpu = (alone[0].cpu + alone[1].cpu) / 2;

    f->cost.of[i] = followed.seconds / ((alone[0].seconds + alone[1].seconds) / 2);
    f->noise.of[i] = alone[0].seconds / alone[1].seconds;
    f->synced.of[i] = followed.synced / ((alone[0].synced + alone[1].synced) / 2);
    f->speed.of[i] = size / MIB / ((alone[0].seconds + alone[1].seconds) / 2);
    f->cpu.of[i] = (followed.cpu - cpu) / gib;
    f->cpu_noise.of[i] = (alone[0].cpu - alone[1].cpu) / gib;
    f->ours.of[i] = (followed.ours - (alone[0].ours + alone[1].ours) / 2) / gib;
    f->read.of[i] = (double)followed.read / size;
    f->dropped.of[i] = (double)followed.evicted / size;
    f->peak.of[i] = (double)run(b, work, true, true).peak / MIB;
}

static void compare_both(Bench *b, Work work)
{
    Figures f;

    for (unsigned i = 0; i < b->n_rounds; i++)
        one_round(b, work, i, &f);
    printf("%s %llu MiB", work == READS ? "reading" : "writing",
           (unsigned long long)(b->size / MIB));
    if (b->rate > 0)
        printf(" at %llu MiB/s", (unsigned long long)(b->rate / MIB));
    printf(", %u rounds: median (range)\n", b->n_rounds);
    tell(b, "time, followed / left alone", &f.cost, "");
    tell(b, "time, left alone / left alone", &f.noise, "");
    if (work == WRITES)
        tell(b, "the same until it is on the disk", &f.synced, "");
    tell(b, "speed, left alone", &f.speed, " MiB/s");
    tell(b, "its CPU time, followed - left alone", &f.cpu, " s/GiB");
    tell(b, "its CPU time, left alone - left alone", &f.cpu_noise, " s/GiB");
    tell(b, "the controller's CPU time", &f.ours, " s/GiB");
    if (work == READS)
        tell(b, "read from the disk, share of the file", &f.read, "");
    tell(b, "dropped, share of the file", &f.dropped, "");
    tell(b, "in memory at most, followed", &f.peak, " MiB");
    fflush(stdout);
}

static void make_world(Bench *b, const char *folder)
{
    b->files = scratch_new(folder);
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
    Bench b = { .size = 256 * MIB, .n_rounds = 9 };

    if (argc > 1)
        b.size = strtoull(argv[1], NULL, 10) * MIB;
    if (argc > 2)
        b.n_rounds = (unsigned)strtoul(argv[2], NULL, 10);
    if (argc > 3)
        b.rate = strtoull(argv[3], NULL, 10) * MIB;
    if (b.size < 64 * MIB || b.n_rounds == 0 || b.n_rounds > ROUNDS_MAX)
        return 2;
    memset(buffer, 'x', sizeof buffer);
    make_world(&b, argc > 4 ? argv[4] : SCRATCH_PARENT);
    compare_both(&b, READS);
    compare_both(&b, WRITES);
    close(b.fd);
    scratch_done(&b.files);
    scratch_done(&b.cgroups);
    scratch_done(&b.proc);
    return 0;
}
