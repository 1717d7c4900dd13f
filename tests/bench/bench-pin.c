/* SPDX-License-Identifier: MIT */
/* How many small files a second are locked: the controller's way (find, open, hand over to a real
 * pagewarden-hold) beside `vmtouch -l`, in turns on the same warm files, so that a busy machine
 * slows both. Fails if not all pages end up locked, or if, of many files, the controller's memory
 * keeps too much of each; says how fast they are, and does not judge that.
 *
 *   bench-pin [ROUNDS [FILES [FOLDER]]]
 *
 * More than some 65,000 files vmtouch cannot lock (vm.max_map_count), and is left out. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "daemon/holder.h"
#include "daemon/memory.h"
#include "daemon/pin_apply.h"
#include "unit/kernel/scratch.h"
#include "util/io.h"
#include "util/units.h"

#define ROUNDS_MAX  101
#define PER_FOLDER  1000
#define VMTOUCH_MAX 60000
#define PAGE        UINT64_C(4096)
#define KEPT_MAX    200   /* bytes a file, once all are pinned */
#define MANY        10000 /* files, beside which nothing else in memory counts */

typedef struct Bench {
    Scratch scratch;
    size_t n_files;
    Host host;
    Settings settings;
    int fd; /* the connection */
    pid_t holder;
    HeldSet held;
    PinProblems problems;
    PinApply *apply;
    PinBound bound;
    uint64_t scanned_usec;
    uint64_t rested, most; /* bytes of the controller's own memory that the files cost it */
} Bench;

static void make_files(Bench *b)
{
    char bytes[PAGE] = { 1 }, name[64];

    for (size_t i = 0; i < b->n_files; i++) {
        snprintf(name, sizeof(name), "%zu/%zu", i / PER_FOLDER, i % PER_FOLDER);
        if (i % PER_FOLDER == 0)
            scratch_folders(&b->scratch, name);
        CLEANUP_CLOSE int fd = must(
            openat(b->scratch.fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        must(write(fd, bytes, sizeof(bytes)));
    }
    sync(); /* else the first round would run beside the writing */
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

/* Bytes, of a process and its children. */
static uint64_t locked_by(pid_t pid)
{
    char path[64], line[4096];
    uint64_t kib, sum = 0;
    int child;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    CLEANUP_FCLOSE FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof(line), status))
        if (sscanf(line, "VmLck: %" SCNu64 " kB", &kib) == 1)
            sum += kib * KIB;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    CLEANUP_FCLOSE FILE *children = fopen(path, "re");
    while (children && fscanf(children, "%d", &child) == 1)
        sum += locked_by(child);
    return sum;
}

/* vmtouch -l, which stays; usec until all is locked. */
static uint64_t by_vmtouch(Bench *b)
{
    char pid_path[PATH_MAX + 8];

    snprintf(pid_path, sizeof(pid_path), "%s.pid", b->scratch.path);
    uint64_t begin = now_usec();
    pid_t pid = must(fork());
    if (pid == 0) {
        execlp("vmtouch", "vmtouch", "-qldw", "-P", pid_path, b->scratch.path, NULL);
        _exit(127);
    }
    int status;
    must(waitpid(pid, &status, 0));
    uint64_t usec = now_usec() - begin;
    CLEANUP_FCLOSE FILE *file = fopen(pid_path, "re");
    int daemon = 0;
    if (status != 0 || !file || fscanf(file, "%d", &daemon) != 1)
        return 0;
    if (locked_by(daemon) != b->n_files * PAGE)
        usec = 0;
    kill(daemon, SIGKILL);
    while (kill(daemon, 0) == 0) /* its unlocking is not to slow the next round */
        usleep(1000);
    unlink(pid_path);
    return usec;
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
        must(hold_send(b->fd, packet, fds->fds, fds->n));
        break;
    case PIN_APPLY_WAIT:
        break;
    case PIN_APPLY_DONE:
        sd_event_exit(b->host.event, 0);
        break;
    }
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Bench *b = userdata;
    HoldPacket answer;

    if (hold_receive(fd, &answer, NULL) != 1)
        return sd_event_exit(b->host.event, 1);
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

    b->scanned_usec = now_usec();
    PinScan *scan = pin_scan_take((PinScan *)job);
    must(scan && scan->error == 0 ? 0 : -1);
    b->apply = pin_apply_new(&setup, scan);
    go_on(b);
}

static PinScan *a_scan(Bench *b)
{
    PinScan *scan = pin_scan_new(on_scanned, b);

    scan->root_fd = b->host.root_fd;
    scan->budget = scan->page = PAGE;
    scan->budget *= b->n_files;
    scan->n_rules = 1;
    scan->rules = calloc(1, sizeof(PinRule));
    scan->rules[0].max_size = scan->rules[0].range.end = UINT64_MAX;
    must(asprintf(&scan->rules[0].path, "%s/*/*", b->scratch.path));
    return scan;
}

/* As the daemon does it; usec until all is locked, of which *ret_scan to find the files. */
static uint64_t by_pagewarden(Bench *b, uint64_t *ret_scan)
{
    sd_event_source *source = NULL;
    uint64_t before = own_memory("VmRSS");

    reset_peak();
    start_holder(b);
    must(sd_event_new(&b->host.event));
    must(jobs_new(b->host.event, &b->host.pin_jobs));
    must(sd_event_add_io(b->host.event, &source, b->fd, EPOLLIN, on_answer, b));
    b->bound = PIN_BOUND_NONE;
    b->held.page = PAGE;
    uint64_t begin = now_usec();
    jobs_submit(b->host.pin_jobs, &a_scan(b)->job);
    must(-sd_event_loop(b->host.event));
    uint64_t usec = now_usec() - begin;
    *ret_scan = b->scanned_usec - begin;
    if (locked_by(b->holder) != b->n_files * PAGE || b->held.sum != b->n_files * PAGE)
        usec = 0;

    b->most = sub_u64(own_memory("VmHWM"), before);
    b->apply = pin_apply_free(b->apply);
    b->rested = sub_u64(own_memory("VmRSS"), before);
    pin_problems_clear(&b->problems);
    held_clear(&b->held);
    sd_event_source_disable_unref(source);
    jobs_free(b->host.pin_jobs);
    b->host.event = sd_event_unref(b->host.event);
    close(b->fd);
    kill(b->holder, SIGKILL);
    must(waitpid(b->holder, NULL, 0));
    return usec;
}

static double per_second(const Bench *b, uint64_t usec)
{
    return (double)b->n_files * 1e6 / (double)usec;
}

static int one_round(Bench *b)
{
    uint64_t scan, theirs = b->n_files <= VMTOUCH_MAX ? by_vmtouch(b) : 0;
    uint64_t ours = by_pagewarden(b, &scan);

    if (ours == 0) {
        fputs("not all pages were locked\n", stderr);
        return 1;
    }
    if (b->n_files >= MANY && b->rested > KEPT_MAX * b->n_files) {
        fprintf(stderr, "the controller keeps %" PRIu64 " bytes of each file\n",
                b->rested / b->n_files);
        return 1;
    }
    printf("pagewarden %8.0f files/s (finding them took %2.0f %%)", per_second(b, ours),
           100.0 * (double)scan / (double)ours);
    if (theirs > 0)
        printf("; vmtouch -l %8.0f files/s; ratio %.2f", per_second(b, theirs),
               (double)theirs / (double)ours);
    printf("; %.0f bytes of the controller's a file, %.0f at most\n",
           (double)b->rested / (double)b->n_files, (double)b->most / (double)b->n_files);
    return 0;
}

int main(int argc, char **argv)
{
    Bench b = {
        .n_files = argc > 2 ? strtoul(argv[2], NULL, 10) : 2000,
        .settings = { .pin_budget = UINT64_MAX },
    };
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 5;
    int r = 0;

    signal(SIGCHLD, SIG_DFL);
    must(memory_setup());
    b.scratch = scratch_new(argc > 3 ? argv[3] : SCRATCH_PARENT);
    b.host = (Host){
        .root_fd = must(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        .proc_fd = must(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        .cgroup_fd = -1,
        .settings = &b.settings,
        .page = PAGE,
    };
    make_files(&b);
    for (unsigned long i = 0; i < rounds && i < ROUNDS_MAX && r == 0; i++)
        r = one_round(&b);
    scratch_done(&b.scratch);
    return r;
}
