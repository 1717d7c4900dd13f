/* SPDX-License-Identifier: MIT */
/* When snapshots are taken, and what is told of them. */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "daemon/recorder.h"
#include "snapshot/store.h"
#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"
#include "util/io.h"
#include "util/units.h"

#define UNIT   "t.service"
#define MINUTE (60 * USEC_PER_SEC)

typedef struct Setup {
    Scratch root, state; /* on tmpfs, where all pages are in memory */
    Settings settings;
    Host host;
    PinRule rule;
    Policy policy;
    Recorder *recorder;
} Setup;

static void setup_begin(Setup *s)
{
    *s = (Setup){ .root = scratch_new("/dev/shm"), .state = scratch_new("/dev/shm") };
    scratch_put(&s->root, "hot", "hot");
    s->settings.refuse_network_filesystems = true;
    s->host = (Host){
        .root_fd = s->root.fd,
        .state_fd = s->state.fd,
        .settings = &s->settings,
    };
    s->rule = (PinRule){ .path = (char *)"/hot", .max_size = UINT64_MAX };
    s->rule.range.end = UINT64_MAX;
    s->policy = (Policy){ .pins = &s->rule, .n_pins = 1, .pin_restore = true };
    assert_int_equal(recorder_new(&s->host, UNIT, &s->recorder), 0);
}

static void setup_end(Setup *s)
{
    recorder_free(s->recorder);
    for (size_t i = 0; i < n_queued; i++) /* of those who were dropped */
        queue[i]->destroy(queue[i]);
    n_queued = 0;
    log_text[0] = '\0';
    scratch_done(&s->root);
    scratch_done(&s->state);
}

#define CLEANUP_SETUP cleanup(setup_end)

static bool has_snapshot(const Setup *s)
{
    return faccessat(s->state.fd, UNIT SNAPSHOT_SUFFIX, F_OK, 0) == 0;
}

static void nothing_is_wanted(void **state)
{
    CLEANUP_SETUP Setup s;

    setup_begin(&s);
    s.policy.pin_restore = false;
    assert_int_equal(recorder_want(s.recorder, &s.policy), 0);
    recorder_tick(s.recorder, 1);
    recorder_tick(s.recorder, 11 * MINUTE);
    recorder_note_stop(s.recorder, 12 * MINUTE);
    recorder_note_armed(s.recorder, false);
    assert_false(recorder_is_busy(s.recorder));
    assert_false(recorder_asks_for_armed(s.recorder));
    recorder_end(s.recorder, true, UINT64_MAX);
    assert_false(has_snapshot(&s));
    assert_false(recorder_status(s.recorder).wanted);
}

static void every_ten_minutes(void **state)
{
    CLEANUP_SETUP Setup s;

    setup_begin(&s);
    assert_int_equal(recorder_want(s.recorder, &s.policy), 0);
    run_queue();
    assert_false(recorder_status(s.recorder).has_snapshot);
    recorder_tick(s.recorder, MINUTE);
    recorder_tick(s.recorder, 11 * MINUTE - 1);
    assert_false(recorder_is_busy(s.recorder));
    recorder_tick(s.recorder, 11 * MINUTE);
    assert_true(recorder_is_busy(s.recorder));
    run_queue();
    RecorderStatus status = recorder_status(s.recorder);
    assert_true(status.wanted && status.has_snapshot);
    assert_int_equal(status.files, 1);
    assert_int_equal(status.bytes, 4096);
    assert_in_range(status.taken_sec, 1, UINT64_MAX);
    assert_null(status.problem);
    assert_true(has_snapshot(&s));
}

static void at_once_when_it_stops(void **state)
{
    CLEANUP_SETUP Setup s;

    setup_begin(&s);
    assert_int_equal(recorder_want(s.recorder, &s.policy), 0);
    /* While what is there is still being read: the second one is due behind it. */
    recorder_note_stop(s.recorder, MINUTE);
    run_queue();
    assert_true(has_snapshot(&s));

    /* Restarts, one after another: not each time. */
    must(unlinkat(s.state.fd, UNIT SNAPSHOT_SUFFIX, 0));
    recorder_note_restart(s.recorder, MINUTE + 9 * USEC_PER_SEC);
    assert_false(recorder_is_busy(s.recorder));
    recorder_note_restart(s.recorder, MINUTE + 10 * USEC_PER_SEC);
    run_queue();
    assert_true(has_snapshot(&s));
}

static void what_is_there_is_told(void **state)
{
    CLEANUP_SETUP Setup s;
    cleanup(snapshot_writer_clear) SnapshotWriter writer;

    setup_begin(&s);
    assert_int_equal(snapshot_begin(&writer, UNIT, SNAPSHOT_SIZE_MAX), 0);
    snapshot_finish(&writer, 77);
    assert_int_equal(snapshot_save(s.state.fd, UNIT, &writer), 0);
    assert_int_equal(recorder_want(s.recorder, &s.policy), 0);
    run_queue();
    assert_int_equal(recorder_status(s.recorder).taken_sec, 77);
}

static void a_damaged_one_is_told_and_replaced(void **state)
{
    CLEANUP_SETUP Setup s;

    setup_begin(&s);
    scratch_put(&s.state, UNIT SNAPSHOT_SUFFIX, "no such thing");
    assert_int_equal(recorder_want(s.recorder, &s.policy), 0);
    run_queue();
    expect_log("warning: t.service: its snapshot is ignored: it is no snapshot\n");
    assert_string_equal(recorder_status(s.recorder).problem, "it is no snapshot");
    assert_false(recorder_status(s.recorder).has_snapshot);
    recorder_note_stop(s.recorder, MINUTE);
    run_queue();
    assert_null(recorder_status(s.recorder).problem);
    assert_true(recorder_status(s.recorder).has_snapshot);
}

static void not_wanted_any_more_is_removed(void **state)
{
    CLEANUP_SETUP Setup s;

    setup_begin(&s);
    assert_int_equal(recorder_want(s.recorder, &s.policy), 0);
    recorder_note_stop(s.recorder, MINUTE);
    run_queue();
    assert_int_equal(recorder_want(s.recorder, NULL), 0);
    run_queue();
    assert_false(has_snapshot(&s));
    assert_false(recorder_status(s.recorder).wanted);
}

static void only_for_services(void **state)
{
    CLEANUP_SETUP Setup s;

    setup_begin(&s);
    recorder_free(s.recorder);
    assert_int_equal(recorder_new(&s.host, "t.scope", &s.recorder), 0);
    assert_int_equal(recorder_want(s.recorder, &s.policy), 0);
    assert_int_equal(recorder_want(s.recorder, &s.policy), 0);
    expect_log("notice: t.scope: warm starts (restore: true) are for services, ignoring\n");
    recorder_note_stop(s.recorder, MINUTE);
    assert_false(recorder_is_busy(s.recorder));
}

static void without_a_folder(void **state)
{
    CLEANUP_SETUP Setup s;

    setup_begin(&s);
    s.host.state_fd = -1;
    assert_int_equal(recorder_want(s.recorder, &s.policy), 0);
    expect_log("warning: t.service: warm starts need a folder for snapshots: there is none\n");
    recorder_note_stop(s.recorder, MINUTE);
    assert_false(recorder_is_busy(s.recorder));
    assert_string_equal(recorder_status(s.recorder).problem, "there is no folder for snapshots");
}

static void that_a_reload_is_due_is_told_once(void **state)
{
    CLEANUP_SETUP Setup s;

    setup_begin(&s);
    assert_int_equal(recorder_want(s.recorder, &s.policy), 0);
    run_queue();
    assert_true(recorder_asks_for_armed(s.recorder));
    recorder_note_armed(s.recorder, false);
    recorder_note_armed(s.recorder, false);
    expect_log("notice: t.service: its warm start (restore: true) is in force after a \"systemctl "
               "daemon-reload\"\n");
    assert_true(recorder_asks_for_armed(s.recorder));
    recorder_note_armed(s.recorder, true);
    assert_false(recorder_asks_for_armed(s.recorder));
    assert_true(recorder_status(s.recorder).armed);
}

static void the_controller_ends(void **state)
{
    CLEANUP_SETUP Setup s;

    setup_begin(&s);
    assert_int_equal(recorder_want(s.recorder, &s.policy), 0);
    run_queue();
    recorder_end(s.recorder, false, UINT64_MAX); /* it does not run, and none is due */
    assert_false(has_snapshot(&s));
    recorder_end(s.recorder, true, 0); /* too late */
    assert_false(has_snapshot(&s));
    recorder_end(s.recorder, true, now_usec() + MINUTE);
    assert_true(has_snapshot(&s));

    must(unlinkat(s.state.fd, UNIT SNAPSHOT_SUFFIX, 0));
    recorder_note_stop(s.recorder, MINUTE); /* is due, whether or not its job gets there */
    recorder_end(s.recorder, false, now_usec() + MINUTE);
    assert_true(has_snapshot(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_wanted),
        cmocka_unit_test(every_ten_minutes),
        cmocka_unit_test(at_once_when_it_stops),
        cmocka_unit_test(what_is_there_is_told),
        cmocka_unit_test(a_damaged_one_is_told_and_replaced),
        cmocka_unit_test(not_wanted_any_more_is_removed),
        cmocka_unit_test(only_for_services),
        cmocka_unit_test(without_a_folder),
        cmocka_unit_test(that_a_reload_is_due_is_told_once),
        cmocka_unit_test(the_controller_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
