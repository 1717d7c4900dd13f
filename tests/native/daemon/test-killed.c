/* SPDX-License-Identifier: MIT */
/* Controllers that scan and pin as the daemon does are killed at any moment, one after another, and
 * now and then the holder, or one of its further processes, is. Whatever they leave behind, the
 * next controller that lives comes to the end: all that its policy means is locked, once, and
 * nothing else is mapped.
 *
 * PAGEWARDEN_TEST_SEED repeats a run, as far as a kill at a random moment can be repeated. */
#include <time.h>

#include "daemon/pin_apply.h"
#include "native/hold/holder.h"
#include "unit/select/pin-rule.h"
#include "util/io.h"

#define KILLS     200
#define FOLDERS   3
#define FILES     45 /* three processes' worth */
#define PER_SHARD "--mappings=20"
#define SHARDS    8
#define FILE_MAX  (512 * KIB)
#define PAGE      UINT64_C(4096)
#define ALIVE_US  12000 /* at most, before it is killed; all that it does takes some 20000 */

typedef struct World {
    Scratch scratch;
    Holder holder;
    struct stat stats[FILES];
    unsigned policies[FILES]; /* bits: which mean it */
    unsigned holders;         /* that were started */
} World;

static uint64_t roll(uint64_t *x, uint64_t n)
{
    *x ^= *x >> 12;
    *x ^= *x << 25;
    *x ^= *x >> 27;
    return (*x * UINT64_C(0x2545F4914F6CDD1D) >> 16) % n;
}

/* The controller */

typedef struct Controller {
    Host host;
    Settings settings;
    int fd;
    HeldSet held;
    PinProblems problems;
    PinApply *apply;
    PinBound bound;
    bool changed; /* a process died, with some of what the scan took for held */
} Controller;

static void go_on(void *userdata)
{
    Controller *c = userdata;
    const HoldPacket *packet;
    const HoldFds *fds;

    switch (pin_apply_next(c->apply, &packet, &fds, &c->bound)) {
    case PIN_APPLY_SEND:
        must(hold_send(c->fd, packet, fds->fds, fds->n));
        break;
    case PIN_APPLY_WAIT:
        break;
    case PIN_APPLY_DONE:
        sd_event_exit(c->host.event, 0);
        break;
    }
}

/* Who has no holder any more ends: it is not the last one. */
static void receive(int fd, HoldPacket *packet)
{
    if (hold_receive(fd, packet, NULL) != 1)
        exit(98);
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Controller *c = userdata;
    HoldPacket answer;

    receive(fd, &answer);
    if (answer.header.type == HOLD_GONE) {
        c->changed = true;
        return 0;
    }
    must(pin_apply_answer(c->apply, &answer));
    go_on(c);
    return 0;
}

static void on_scanned(Job *job, void *owner)
{
    Controller *c = owner;
    PinApplySetup setup = {
        .host = &c->host,
        .cgroup_path = "",
        .held = &c->held,
        .problems = &c->problems,
        .ready = go_on,
        .userdata = c,
    };

    PinScan *scan = pin_scan_take((PinScan *)job);
    must(scan && scan->error == 0 ? 0 : -1);
    c->apply = pin_apply_new(&setup, scan);
    go_on(c);
}

static void list(Controller *c)
{
    HoldPacket packet = { .header.type = HOLD_LIST };

    held_clear(&c->held);
    must(hold_send(c->fd, &packet, NULL, 0));
    do {
        receive(c->fd, &packet);
        for (uint32_t i = 0; i < packet.header.n_items && packet.header.type == HOLD_ITEMS; i++)
            must(held_note(&c->held, &packet.items[i], true));
    } while (packet.header.type != HOLD_DONE);
}

/* Brings about what the policies @mask say. */
static void one_circle(Controller *c, const World *w, unsigned mask)
{
    char pattern[PATH_MAX + 16];

    list(c);
    PinScan *scan = pin_scan_new(on_scanned, c);
    for (unsigned i = 0; i < FOLDERS; i++)
        if (mask >> i & 1) {
            snprintf(pattern, sizeof(pattern), "%s/%u*/*", w->scratch.path, i);
            add_pin_rule(&scan->rules, &scan->n_rules, pattern);
        }
    scan->held = held_share(&c->held);
    scan->root_fd = c->host.root_fd;
    scan->budget = GIB;
    scan->page = PAGE;
    c->bound = PIN_BOUND_NONE;
    c->changed = false;
    jobs_submit(c->host.pin_jobs, &scan->job);
    must(-sd_event_loop(c->host.event));
    c->apply = pin_apply_free(c->apply);
    pin_problems_clear(&c->problems);
}

/* Of a process that ends with it. */
static void control(const World *w, uint64_t seed, unsigned mask, bool for_ever)
{
    Controller c = { .settings = { .pin_budget = UINT64_MAX }, .held.page = PAGE };
    sd_event_source *source;

    c.host = (Host){
        .root_fd = must(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        .proc_fd = must(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        .cgroup_fd = -1,
        .settings = &c.settings,
        .page = PAGE,
    };
    c.fd = holder_connect(&w->holder);
    do {
        must(sd_event_new(&c.host.event));
        must(jobs_new(c.host.event, &c.host.pin_jobs));
        must(sd_event_add_io(c.host.event, &source, c.fd, EPOLLIN, on_answer, &c));
        one_circle(&c, w, mask);
        sd_event_source_disable_unref(source);
        jobs_free(c.host.pin_jobs);
        sd_event_unref(c.host.event);
        if (for_ever)
            mask = (unsigned)roll(&seed, 1u << FOLDERS);
    } while (for_ever || c.changed);
}

static pid_t start_controller(const World *w, uint64_t seed, unsigned mask, bool for_ever)
{
    fflush(NULL);
    pid_t pid = must(fork());
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        control(w, seed, mask, for_ever);
        _exit(0);
    }
    return pid;
}

/* The rest of the world */

static void make_files(World *w)
{
    uint64_t x = 7;
    char name[32];

    for (unsigned i = 0; i < FILES; i++) {
        unsigned folder = i % FOLDERS;
        snprintf(name, sizeof(name), "%u/%u", folder, i);
        if (i < FOLDERS)
            scratch_folders(&w->scratch, name);
        w->policies[i] = 1u << folder;
        int fd = make_file(&w->scratch, name, 1 + roll(&x, FILE_MAX));
        must(fstat(fd, &w->stats[i]));
        close(fd);
    }
}

static size_t processes_of(const World *w, int *pids)
{
    char path[64];
    size_t n = 1;

    pids[0] = w->holder.pid;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pids[0], pids[0]);
    CLEANUP_FCLOSE FILE *file = fopen(path, "re");
    while (file && n <= SHARDS && fscanf(file, "%d", &pids[n]) == 1)
        n++;
    return n;
}

static void start_holder(World *w)
{
    w->holder = holder_start_with(-1, PER_SHARD);
    w->holders++;
}

static uint64_t locked_by_all(const World *w)
{
    int pids[SHARDS + 1];
    uint64_t sum = 0;

    for (size_t n = processes_of(w, pids); n-- > 0;)
        sum += locked_in_all(pids[n]);
    return sum;
}

/* One of them dies, at any moment of a pin. */
static void kill_one(World *w, uint64_t *x)
{
    int pids[SHARDS + 1];
    unsigned whom = (unsigned)roll(x, 8);

    pid_t pid = start_controller(w, *x, (unsigned)roll(x, 1u << FOLDERS), true);
    struct timespec wait = { .tv_nsec = (long)roll(x, ALIVE_US) * 1000 };
    nanosleep(&wait, NULL);
    size_t n = processes_of(w, pids);
    if (whom == 0) {
        holder_end(&w->holder);
        start_holder(w);
    } else if (whom <= 2 && n > 1) {
        pid_t shard = pids[1 + roll(x, n - 1)];
        kill(shard, SIGKILL);
        wait.tv_nsec = (long)roll(x, ALIVE_US) * 1000;
        nanosleep(&wait, NULL);
        /* Who comes next would still be told of its files. */
        must(comes_true(!is_alive(shard)) ? 0 : -1);
    }
    kill(pid, SIGKILL);
    must(waitpid(pid, NULL, 0));
}

static void assert_once(const World *w, unsigned mask)
{
    int pids[SHARDS + 1];
    uint64_t wanted = 0;
    CLEANUP_CLOSE int c = holder_connect(&w->holder); /* the one connection that it has */

    (void)ask_hello(c);
    size_t n = processes_of(w, pids);
    for (unsigned i = 0; i < FILES; i++) {
        uint64_t pages = ((uint64_t)w->stats[i].st_size + PAGE - 1) / PAGE * PAGE;
        bool is_wanted = w->policies[i] & mask;
        Mapped sum = { 0 };
        size_t holders = 0;
        for (size_t k = 0; k < n; k++) {
            Mapped m = mapped_of(pids[k], &w->stats[i]);
            holders += m.n > 0;
            sum.n += m.n;
            sum.flagged += m.flagged;
            sum.locked += m.locked;
            sum.barred += m.barred;
        }
        assert_int_equal(holders, is_wanted);
        assert_int_equal(sum.n, is_wanted);
        assert_int_equal(sum.locked, is_wanted ? pages : 0);
        assert_int_equal(sum.flagged, sum.locked);
        assert_int_equal(sum.barred, sum.locked);
        wanted += is_wanted ? pages : 0;
    }
    for (size_t k = 0; k < n; k++)
        assert_int_equal(count_descriptors(pids[k]), k == 0 ? 4 + n - 1 : 3);
    assert_int_equal(locked_by_all(w), wanted);
    assert_in_range(n, 1, SHARDS);
}

static uint64_t a_seed(void)
{
    const char *given = getenv("PAGEWARDEN_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : now_usec();

    printf("PAGEWARDEN_TEST_SEED=%" PRIu64 "\n", seed);
    return seed | 1;
}

static void whoever_dies(void **state)
{
    World w = { .scratch = scratch_new(SCRATCH_PARENT) };
    uint64_t x = a_seed();
    unsigned with_pins = 0;
    int status;

    make_files(&w);
    start_holder(&w);
    for (unsigned i = 0; i < KILLS; i++) {
        kill_one(&w, &x);
        with_pins += locked_by_all(&w) > 0;
        unsigned mask = (unsigned)roll(&x, 1u << FOLDERS);
        pid_t pid = start_controller(&w, 0, mask, false);
        must(waitpid(pid, &status, 0));
        assert_int_equal(status, 0);
        assert_once(&w, mask);
    }
    assert_in_range(w.holders, 1 + KILLS / 32, 1 + KILLS / 2);
    /* Else the kills came when there was nothing to lose. */
    assert_in_range(with_pins, KILLS / 2, KILLS);
    holder_end(&w.holder);
    scratch_done(&w.scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_dies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
