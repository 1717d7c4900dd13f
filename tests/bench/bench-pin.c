/* SPDX-License-Identifier: MIT */
/* What it takes to lock files: the controller's way (find, open, hand over to a real
 * pagewarden-hold), `vmtouch -l` and memlockd, in turns on the same files, so that a busy machine
 * slows all. Then ours looks again, and finds nothing to do. Fails if it does not lock all pages,
 * or if, of many files, the controller ever needs too much memory for each; says how fast they are,
 * and does not judge that (see the file `run`).
 *
 * Who is not installed is left out. More than some 65,000 files one process cannot map
 * (vm.max_map_count): those who try fail, and are told to. */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "daemon/holder.h"
#include "daemon/memory.h"
#include "daemon/pin_apply.h"
#include "kernel/locked.h"
#include "kernel/residency.h"
#include "unit/kernel/scratch.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/units.h"

#define MEMLOCKD "memlockd"

#define PER_FOLDER   1000
#define PAGE         UINT64_C(4096)
#define MEMORY_MAX   200   /* bytes a file that the controller needs at any time */
#define MANY         10000 /* files, beside which nothing else in memory counts */
#define CHUNK        MIB   /* bytes that are written at a time */
#define PATIENCE_SEC 600   /* for one that does not say when it has locked all */
#define EVICT_TRIES  50

/* What one of them did and took. */
typedef struct Cost {
    uint64_t usec; /* 0: it did not lock all */
    uint64_t cpu_usec;
    uint64_t read; /* bytes from the disk */
    uint64_t own;  /* bytes of the process that holds the locks: its memory and page tables */
} Cost;

typedef struct Bench {
    Scratch scratch;
    size_t n_files;
    uint64_t size; /* bytes of each */
    bool cold;
    bool unlocked;           /* ours only reads them (lock: none), and remembers what it has read */
    char list[PATH_MAX + 8]; /* their names, one a line */
    Host host;
    Settings settings;
    int fd; /* the connection */
    pid_t holder;
    HeldSet held;
    WarmSet warmed;
    PinProblems problems;
    PinApply *apply;
    PinBound bound;
    bool looking;
    bool has_vmtouch, has_memlockd;
    uint64_t before, rested, most; /* bytes of the controller's own memory that the files cost it */
    size_t requests;
} Bench;

/* Bytes that are locked in the end. */
static uint64_t total(const Bench *b)
{
    return b->n_files * ((b->size + PAGE - 1) / PAGE * PAGE);
}

static void make_files(Bench *b)
{
    CLEANUP_FREE char *bytes = malloc(CHUNK);
    CLEANUP_FCLOSE FILE *list = fopen(b->list, "we");
    char name[64];

    memset(bytes, 1, CHUNK);
    for (size_t i = 0; i < b->n_files; i++) {
        snprintf(name, sizeof(name), "%zu/%zu", i / PER_FOLDER, i % PER_FOLDER);
        if (i % PER_FOLDER == 0)
            scratch_folders(&b->scratch, name);
        CLEANUP_CLOSE int fd = must(
            openat(b->scratch.fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        for (uint64_t left = b->size; left > 0;)
            left -= (uint64_t)must(write(fd, bytes, min_u64(left, CHUNK)));
        must(fprintf(list, "%s/%s\n", b->scratch.path, name));
    }
    sync(); /* else the first round would run beside the writing */
}

/* Evicts the file, or reads what of it is missing; true: it is as it should be. */
static bool bring(int fd, uint64_t size, bool cold, char *buffer)
{
    Residency residency;

    if (cold)
        must(-posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    must(residency_of(fd, size, &residency));
    if (cold)
        return residency.resident == 0;
    if (residency.resident >= size)
        return true;
    for (uint64_t at = 0; at < size; at += CHUNK)
        must(pread(fd, buffer, CHUNK, (off_t)at));
    return true;
}

/* Makes all files cold or warm; what does not become cold ends the program. */
static void prepare(const Bench *b)
{
    CLEANUP_FREE char *buffer = malloc(CHUNK);
    char name[64];

    for (size_t i = 0; i < b->n_files; i++) {
        snprintf(name, sizeof(name), "%zu/%zu", i / PER_FOLDER, i % PER_FOLDER);
        CLEANUP_CLOSE int fd = must(openat(b->scratch.fd, name, O_RDONLY | O_CLOEXEC));
        unsigned tries = 0;
        while (!bring(fd, b->size, b->cold, buffer)) {
            if (++tries == EVICT_TRIES) {
                fprintf(stderr, "%s does not leave memory\n", name);
                exit(99);
            }
            usleep(20000);
        }
    }
}

/* Bytes of the line @key of /proc/self/status. */
static uint64_t own_memory(const char *key)
{
    CLEANUP_FCLOSE FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    uint64_t kib = 0;

    while (status && fgets(line, sizeof(line), status))
        if (strncmp(line, key, strlen(key)) == 0)
            sscanf(line + strlen(key), ": %" SCNu64, &kib);
    return kib * KIB;
}

static void reset_peak(void)
{
    CLEANUP_CLOSE int fd = must(open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC));

    must(write(fd, "5", 1));
}

/* Of a process and its children. */
typedef struct Usage {
    uint64_t locked, own, read; /* bytes */
    uint64_t cpu_usec;
    bool asleep; /* it waits, and not for a disk */
} Usage;

static FILE *open_proc(pid_t pid, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return fopen(path, "re");
}

static void add_status(pid_t pid, Usage *usage)
{
    CLEANUP_FCLOSE FILE *status = open_proc(pid, "status");
    char line[4096], state;
    uint64_t kib;

    while (status && fgets(line, sizeof(line), status)) {
        if (sscanf(line, "VmLck: %" SCNu64 " kB", &kib) == 1)
            usage->locked += kib * KIB;
        if (sscanf(line, "RssAnon: %" SCNu64 " kB", &kib) == 1 ||
            sscanf(line, "VmPTE: %" SCNu64 " kB", &kib) == 1)
            usage->own += kib * KIB;
        if (sscanf(line, "State: %c", &state) == 1)
            usage->asleep = state == 'S';
    }
}

static void add_usage(pid_t pid, Usage *usage)
{
    char line[256];
    uint64_t bytes, nsec;
    int child;

    add_status(pid, usage);
    CLEANUP_FCLOSE FILE *io = open_proc(pid, "io");
    while (io && fgets(line, sizeof(line), io))
        if (sscanf(line, "read_bytes: %" SCNu64, &bytes) == 1)
            usage->read += bytes;
    CLEANUP_FCLOSE FILE *schedstat = open_proc(pid, "schedstat"); /* they have one thread each */
    if (schedstat && fscanf(schedstat, "%" SCNu64, &nsec) == 1)
        usage->cpu_usec += nsec / 1000;
    snprintf(line, sizeof(line), "task/%d/children", (int)pid);
    CLEANUP_FCLOSE FILE *children = open_proc(pid, line);
    while (children && fscanf(children, "%d", &child) == 1)
        add_usage(child, usage);
}

static Usage usage_of(pid_t pid)
{
    Usage usage = { 0 };

    add_usage(pid, &usage);
    return usage;
}

static Cost cost_of(const Usage *usage, uint64_t usec)
{
    return (
        Cost){ .usec = usec, .cpu_usec = usage->cpu_usec, .read = usage->read, .own = usage->own };
}

/* vmtouch -l, which stays. */
static Cost by_vmtouch(Bench *b)
{
    char pid_path[PATH_MAX + 8];

    snprintf(pid_path, sizeof(pid_path), "%s.pid", b->scratch.path);
    uint64_t begin = now_usec();
    pid_t pid = must(fork());
    if (pid == 0) {
        execlp("vmtouch", "vmtouch", "-qldw", "-m", "1000g", "-P", pid_path, b->scratch.path, NULL);
        _exit(127);
    }
    int status;
    must(waitpid(pid, &status, 0));
    uint64_t usec = now_usec() - begin;
    CLEANUP_FCLOSE FILE *file = fopen(pid_path, "re");
    int daemon = 0;
    if (status != 0 || !file || fscanf(file, "%d", &daemon) != 1)
        return (Cost){ 0 };
    Usage usage = usage_of(daemon);
    kill(daemon, SIGKILL);
    while (kill(daemon, 0) == 0) /* its unlocking is not to slow the next round */
        usleep(1000);
    unlink(pid_path);
    return cost_of(&usage, usage.locked == total(b) ? usec : 0);
}

/* It does not say when it is done: then it sleeps. */
static Cost by_memlockd(Bench *b)
{
    uint64_t begin = now_usec();
    Usage usage = { 0 };

    pid_t pid = must(fork());
    if (pid == 0) {
        int null = must(open("/dev/null", O_RDWR | O_CLOEXEC));
        dup2(null, STDERR_FILENO);
        execlp(MEMLOCKD, MEMLOCKD, "-d", "-c", b->list, NULL);
        _exit(127);
    }
    bool ended = false;
    while (!ended && (!usage.asleep || usage.locked < total(b)) &&
           now_usec() - begin < PATIENCE_SEC * USEC_PER_SEC) {
        usleep(500);
        usage = usage_of(pid);
        ended = waitpid(pid, NULL, WNOHANG) == pid;
    }
    uint64_t usec = now_usec() - begin;
    if (!ended) {
        kill(pid, SIGKILL);
        must(waitpid(pid, NULL, 0));
    }
    return cost_of(&usage, !ended && usage.locked >= total(b) ? usec : 0);
}

static void start_holder(Bench *b)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t size = sizeof(address);
    int listening = must(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));

    must(bind(listening, (struct sockaddr *)&address, sizeof(sa_family_t)));
    must(listen(listening, 1));
    must(getsockname(listening, (struct sockaddr *)&address, &size));
    b->holder = must(fork());
    if (b->holder == 0) {
        must(dup2(listening, STDIN_FILENO));
        execl(HOLD_BINARY, "pagewarden-hold", NULL);
        _exit(127);
    }
    close(listening);
    b->fd = must(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    must(connect(b->fd, (struct sockaddr *)&address, size));
}

static void go_on(void *userdata)
{
    Bench *b = userdata;
    const HoldPacket *packet;
    const HoldFds *fds;

    switch (pin_apply_next(b->apply, &packet, &fds, &b->bound)) {
    case PIN_APPLY_SEND:
        b->requests++;
        must(hold_send(b->fd, packet, fds->fds, fds->n));
        break;
    case PIN_APPLY_WAIT:
        break;
    case PIN_APPLY_DONE:
        b->looking = false;
        break;
    }
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Bench *b = userdata;
    HoldPacket answer;

    must(hold_receive(fd, &answer, NULL) == 1 ? 0 : -1);
    must(pin_apply_answer(b->apply, &answer));
    go_on(b);
    return 0;
}

static void on_scanned(Job *job, void *owner)
{
    Bench *b = owner;
    PinApplySetup setup = {
        .host = &b->host,
        .cgroup_path = "",
        .held = &b->held,
        .problems = &b->problems,
        .ready = go_on,
        .userdata = b,
    };

    PinScan *scan = pin_scan_take((PinScan *)job);
    must(scan && scan->error == 0 ? 0 : -1);
    b->apply = pin_apply_new(&setup, scan);
    go_on(b);
}

static PinScan *a_scan(Bench *b)
{
    PinScan *scan = pin_scan_new(on_scanned, b);

    scan->root_fd = b->host.root_fd;
    scan->budget = total(b);
    scan->page = PAGE;
    scan->held = held_share(&b->held);
    must(warmed_copy(&b->warmed, &scan->warmed));
    scan->n_rules = 1;
    scan->rules = calloc(1, sizeof(PinRule));
    scan->rules[0].max_size = scan->rules[0].range.end = UINT64_MAX;
    scan->rules[0].lock = b->unlocked ? PIN_LOCK_NONE : PIN_LOCK_NOW;
    must(asprintf(&scan->rules[0].path, "%s/*/*", b->scratch.path));
    return scan;
}

static uint64_t own_cpu_usec(void)
{
    struct rusage usage;

    must(getrusage(RUSAGE_SELF, &usage));
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_PER_SEC +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void end_round(Bench *b, sd_event_source *source)
{
    b->apply = pin_apply_free(b->apply);
    b->most = sub_u64(own_memory("VmHWM"), b->before);
    b->rested = sub_u64(own_memory("VmRSS"), b->before);
    pin_problems_clear(&b->problems);
    held_clear(&b->held);
    warmed_clear(&b->warmed);
    sd_event_source_disable_unref(source);
    jobs_free(b->host.pin_jobs);
    b->host.event = sd_event_unref(b->host.event);
    close(b->fd);
    kill(b->holder, SIGKILL);
    must(waitpid(b->holder, NULL, 0));
}

/* Bytes of files that a process and its children hold locked; their own memory, which a holder
 * locks too, left out. */
static uint64_t locked_files(const Bench *b, pid_t pid)
{
    char name[64];
    uint64_t sum = 0;
    int child;

    must(locked_bytes(b->host.proc_fd, pid, &sum));
    snprintf(name, sizeof(name), "task/%d/children", (int)pid);
    CLEANUP_FCLOSE FILE *children = open_proc(pid, name);
    while (children && fscanf(children, "%d", &child) == 1)
        sum += locked_files(b, child);
    return sum;
}

static void look(Bench *b)
{
    b->requests = 0;
    b->apply = pin_apply_free(b->apply);
    jobs_submit(b->host.pin_jobs, &a_scan(b)->job);
    b->looking = true;
    while (b->looking)
        must(sd_event_run(b->host.event, UINT64_MAX));
    warmed_clear(&b->warmed);
    b->warmed = pin_apply_take_warmed(b->apply);
}

static bool has_all(const Bench *b)
{
    if (b->unlocked)
        return b->held.n == 0 && b->warmed.n == b->n_files && b->warmed.sum == total(b);
    return locked_files(b, b->holder) == total(b) && b->held.sum == total(b);
}

/* As the daemon does it. */
static Cost by_pagewarden(Bench *b)
{
    sd_event_source *source = NULL;

    b->before = own_memory("VmRSS");
    reset_peak();
    start_holder(b);
    must(sd_event_new(&b->host.event));
    must(jobs_new(b->host.event, &b->host.pin_jobs));
    must(sd_event_add_io(b->host.event, &source, b->fd, EPOLLIN, on_answer, b));
    b->bound = PIN_BOUND_NONE;
    b->held.page = PAGE;
    uint64_t cpu_usec = own_cpu_usec(), read = usage_of(getpid()).read;
    uint64_t begin = now_usec();
    look(b);
    uint64_t usec = now_usec() - begin;
    Usage usage = usage_of(b->holder);
    usage.cpu_usec += own_cpu_usec() - cpu_usec;
    usage.read = usage_of(getpid()).read - read; /* the holder is a child */
    look(b);                                     /* again, as it does every few seconds */
    bool all = has_all(b) && b->requests == 0;
    end_round(b, source);
    return cost_of(&usage, all ? usec : 0);
}

/* A line for one of them. */
static void print_cost(const char *who, const Cost *cost)
{
    if (cost->usec == 0)
        printf("%s\tfailed\n", who);
    else
        printf("%s\t%.6f\t%.6f\t%" PRIu64 "\t%" PRIu64 "\n", who, (double)cost->usec / 1e6,
               (double)cost->cpu_usec / 1e6, cost->read, cost->own);
}

static int one_round(Bench *b, unsigned long round)
{
    static Cost (*const lockers[])(Bench *) = { by_pagewarden, by_vmtouch, by_memlockd };
    static const char *const names[] = { "pagewarden", "vmtouch", "memlockd" };
    const bool there[] = { true, b->has_vmtouch, b->has_memlockd };

    /* Each of them is the first in its turn. */
    for (size_t i = 0; i < ELEMENTS(lockers); i++) {
        size_t k = (i + round) % ELEMENTS(lockers);
        if (!there[k])
            continue;
        prepare(b);
        Cost cost = lockers[k](b);
        print_cost(names[k], &cost);
        fflush(stdout);
        if (k == 0 && cost.usec == 0) {
            fputs(b->unlocked ? "not all files were read\n" : "not all pages were locked\n",
                  stderr);
            return 1;
        }
    }
    printf("controller\t%.1f\t%.1f\n", (double)b->rested / (double)b->n_files,
           (double)b->most / (double)b->n_files);
    if (b->n_files >= MANY && b->most > MEMORY_MAX * b->n_files) {
        fprintf(stderr, "the controller needs %" PRIu64 " bytes for each file\n",
                b->most / b->n_files);
        return 1;
    }
    return 0;
}

static bool is_installed(const char *name)
{
    char command[PATH_MAX];

    snprintf(command, sizeof(command), "command -v %s >/dev/null", name);
    return system(command) == 0;
}

static unsigned long parse(int argc, char **argv, Bench *b, const char **ret_folder)
{
    static const struct option options[] = {
        { "rounds", required_argument, NULL, 'r' }, { "files", required_argument, NULL, 'n' },
        { "size", required_argument, NULL, 's' },   { "cold", no_argument, NULL, 'c' },
        { "unlocked", no_argument, NULL, 'u' },     { "folder", required_argument, NULL, 'f' },
        { "alone", no_argument, NULL, 'a' },        { 0 },
    };
    unsigned long rounds = 5;

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'r')
            rounds = strtoul(optarg, NULL, 10);
        else if (c == 'n')
            b->n_files = strtoul(optarg, NULL, 10);
        else if (c == 's')
            must(parse_size(optarg, 0, &b->size, NULL));
        else if (c == 'c')
            b->cold = true;
        else if (c == 'u')
            b->unlocked = true;
        else if (c == 'f')
            *ret_folder = optarg;
        else if (c == 'a')
            b->has_vmtouch = b->has_memlockd = false;
        else
            exit(EXIT_FAILURE);
    }
    return rounds;
}

int main(int argc, char **argv)
{
    Bench b = {
        .n_files = 2000,
        .size = PAGE,
        .settings = { .pin_budget = UINT64_MAX },
        .has_vmtouch = is_installed("vmtouch"),
        .has_memlockd = is_installed(MEMLOCKD),
    };
    const char *folder = SCRATCH_PARENT;
    unsigned long rounds = parse(argc, argv, &b, &folder);
    int r = 0;

    signal(SIGCHLD, SIG_DFL);
    must(memory_setup());
    b.scratch = scratch_new(folder);
    snprintf(b.list, sizeof(b.list), "%s.list", b.scratch.path);
    b.host = (Host){
        .root_fd = must(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        .proc_fd = must(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        .cgroup_fd = -1,
        .settings = &b.settings,
        .page = PAGE,
    };
    make_files(&b);
    puts("who\tseconds\tcpu\tread\town");
    for (unsigned long i = 0; i < rounds && r == 0; i++)
        r = one_round(&b, i);
    scratch_done(&b.scratch);
    unlink(b.list);
    return r;
}
