/* SPDX-License-Identifier: MIT */
/* A controller is killed at any moment of pinning. What the holder then says it holds must be what
 * the kernel says that it has locked, and everything must go on working. */

#include <time.h>

#include "native/hold/holder.h"

#define KILLS    200
#define FILES    8
#define PAGE     UINT64_C(4096)
#define ALIVE_US 8000 /* at most, before it is killed; a request takes some 50 to 3000 of them */

typedef struct Files {
    int fds[FILES];
    uint64_t sizes[FILES];
    struct stat stats[FILES];
} Files;

static uint64_t roll(uint64_t *x, uint64_t n)
{
    *x ^= *x >> 12;
    *x ^= *x << 25;
    *x ^= *x >> 27;
    return (*x * UINT64_C(0x2545F4914F6CDD1D) >> 16) % n;
}

static void make_files(const Scratch *scratch, Files *files)
{
    uint64_t x = 7;

    for (unsigned i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        files->sizes[i] = 1 + roll(&x, 4 * MIB);
        files->fds[i] = make_file(scratch, name, files->sizes[i]);
        must(fstat(files->fds[i], &files->stats[i]));
    }
}

/* Never ends by itself. */
static void pin_at_random(const Holder *h, const Files *files, uint64_t seed)
{
    int c = holder_connect(h);
    uint64_t x = seed;
    HoldPacket m;

    for (;;) {
        size_t i = roll(&x, FILES);
        HoldItem item = item_of(&files->stats[i]);
        HoldType type = HOLD_PIN;
        int file = -1;

        switch (roll(&x, 8)) {
        case 0:
            type = HOLD_RELEASE;
            break;
        case 1:
            type = HOLD_REFRESH;
            break;
        case 2:
        case 3:
        case 4:
            /* In parts, so that regions are added to what is locked. */
            item.length = 1 + roll(&x, files->sizes[i]);
            file = files->fds[i];
            item.locked = roll(&x, 3) ? 0 : roll(&x, 2 * MIB);
            break;
        default:
            item.locked = roll(&x, 2 * MIB);
        }
        /* Now and then one goes ahead without waiting for the answer. */
        m = a_request(type, item, file);
        if (roll(&x, 4) == 0)
            (void)hold_send(c, &m, &file, file >= 0);
        else
            (void)try_ask(c, type, item, file, &m);
    }
}

static void kill_one(const Holder *h, const Files *files, uint64_t seed)
{
    uint64_t x = seed;

    fflush(NULL);
    pid_t pid = must(fork());
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin_at_random(h, files, seed + 1000);
    }
    struct timespec wait = { .tv_nsec = (long)roll(&x, ALIVE_US) * 1000 };
    nanosleep(&wait, NULL);
    kill(pid, SIGKILL);
    must(waitpid(pid, NULL, 0));
}

/* Returns the bytes that are locked. */
static uint64_t assert_truth(const Holder *h, const Files *files, int c)
{
    HoldItem items[FILES + 1];
    uint64_t locked = 0;
    size_t n = ask_list(c, items, FILES + 1);

    assert_in_range(n, 0, FILES);
    for (size_t i = 0; i < n; i++) {
        const struct stat *st = NULL;
        for (size_t j = 0; j < FILES; j++)
            if (files->stats[j].st_ino == items[i].ino && files->stats[j].st_dev == items[i].dev)
                st = &files->stats[j];
        assert_non_null(st);
        Mapped m = mapped_of(h->pid, st);
        uint64_t pages = (items[i].locked + PAGE - 1) / PAGE * PAGE;
        assert_int_equal(m.locked, pages);
        assert_int_equal(m.flagged, pages);
        assert_int_equal(m.barred, pages);
        /* More than the file has, as room to grow, but not much more. */
        uint64_t whole = (items[i].length + PAGE - 1) / PAGE * PAGE;
        assert_in_range(m.size, whole, 2 * whole);
        locked += pages;
    }
    assert_int_equal(locked_in_all(h->pid), locked);
    return locked;
}

static void killed_at_any_moment(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    unsigned with_pins = 0;
    Files files;

    make_files(&scratch, &files);
    for (unsigned i = 0; i < KILLS; i++) {
        kill_one(&h, &files, i * UINT64_C(7919) + 1);

        CLEANUP_CLOSE int c = holder_connect(&h);
        assert_int_equal(ask_hello(c).pid, h.pid);
        assert_int_equal(count_descriptors(h.pid), 4);
        with_pins += assert_truth(&h, &files, c) > 0;

        /* All of one file, from wherever that one was. */
        size_t j = i % FILES;
        assert_int_equal(ask_open(c, files.fds[j], files.sizes[j]).error, 0);
        assert_int_equal(ask_lock(c, &files.stats[j], 4 * MIB).locked, files.sizes[j]);
        assert_true(assert_truth(&h, &files, c) >= files.sizes[j]);
        assert_int_equal(ask_release(c, &files.stats[j]).error, 0);
        assert_truth(&h, &files, c);
    }
    /* Else the kills came when there was nothing to lose. */
    assert_in_range(with_pins, KILLS / 2, KILLS);

    CLEANUP_CLOSE int c = holder_connect(&h);
    for (size_t i = 0; i < FILES; i++) {
        (void)ask_release(c, &files.stats[i]);
        close(files.fds[i]);
    }
    assert_int_equal(assert_truth(&h, &files, c), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
