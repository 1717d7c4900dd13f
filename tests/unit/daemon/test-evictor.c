/* SPDX-License-Identifier: MIT */
#include "daemon/evictor.h"

#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"

/* One look at all files of the rule @path. */
static void look(Evictor *e)
{
    static uint64_t now;

    now += 60 * USEC_PER_SEC;
    evictor_tick(e, now, NULL, 0, true);
    assert_int_equal(n_queued, 1);
    run_queue();
}

static Evictor *an_evictor(Host *host, const char *path)
{
    EvictRule rule = { .path = (char *)path,
                       .idle_usec = USEC_PER_SEC,
                       .every_usec = USEC_PER_SEC };
    Policy policy = { .evicts = &rule, .n_evicts = 1 };
    Evictor *e;

    assert_int_equal(evictor_new(host, "a.service", &e), 0);
    assert_int_equal(evictor_want(e, &policy), 0);
    return e;
}

static const Settings settings = { .refuse_network_filesystems = true };

/* One process, which has nothing open. */
static void put_process(const Scratch *proc)
{
    scratch_put(proc, "1/maps", "");
    must(mkdirat(proc->fd, "1/fd", 0755));
}

static void what_is_passed_over_is_told_until_it_changes(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    Host host = { .root_fd = root.fd, .proc_fd = proc.fd, .settings = &settings };

    put_process(&proc);
    scratch_put(&root, "srv/file", "x");
    must(mkdirat(root.fd, "srv/a-folder", 0755));
    must(symlinkat("file", root.fd, "srv/link"));
    must(symlinkat("file", root.fd, "srv/link-too"));
    Evictor *e = an_evictor(&host, "/srv/*");
    look(e);
    expect_log("warning: a.service: evicting /srv/*: passed over: /srv/link is a symbolic "
               "link, which is not followed (and 2 more)\n");
    look(e);
    expect_log("");

    must(unlinkat(root.fd, "srv/link", 0));
    look(e);
    expect_log("warning: a.service: evicting /srv/*: passed over: /srv/link-too is a symbolic "
               "link, which is not followed (and 1 more)\n");

    /* What only is not a file is no trouble. */
    must(unlinkat(root.fd, "srv/link-too", 0));
    look(e);
    expect_log("info: a.service: evicting /srv/*: passed over: /srv/a-folder is a directory\n");

    /* A look that was cut short forgets nothing. */
    must(unlinkat(proc.fd, "1/maps", 0));
    must(mkdirat(proc.fd, "1/maps", 0755));
    look(e);
    log_text[0] = '\0';
    must(unlinkat(proc.fd, "1/maps", AT_REMOVEDIR));
    scratch_put(&proc, "1/maps", "");
    look(e);
    expect_log("");

    must(unlinkat(root.fd, "srv/a-folder", AT_REMOVEDIR));
    look(e);
    expect_log("");
    must(mkdirat(root.fd, "srv/a-folder", 0755));
    look(e);
    expect_log("info: a.service: evicting /srv/*: passed over: /srv/a-folder is a directory\n");
    evictor_free(e);
}

static void a_path_that_is_not_there_yet(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    Host host = { .root_fd = root.fd, .proc_fd = proc.fd, .settings = &settings };

    put_process(&proc);
    Evictor *e = an_evictor(&host, "/log");
    look(e);
    look(e);
    expect_log("info: a.service: evicting /log: passed over: /log does not exist\n");
    evictor_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_passed_over_is_told_until_it_changes),
        cmocka_unit_test(a_path_that_is_not_there_yet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
