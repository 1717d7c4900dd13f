/* SPDX-License-Identifier: MIT */
/* Linked with --wrap=now_usec, see meson.build. */
#include "daemon/mount_guard.h"

#include "unit/test.h"
#include "util/units.h"

static uint64_t now = 1000 * USEC_PER_SEC;

uint64_t __wrap_now_usec(void);
uint64_t __wrap_now_usec(void)
{
    return now;
}

static unsigned n_starts;
static char last[64]; /* what was started last */
static unit_done_t done;
static void *done_userdata;

int mount_guard_unit_start(sd_bus *bus, sd_bus_slot **ret_slot, const char *stem, const char *path,
                           unit_done_t d, void *userdata)
{
    n_starts++;
    snprintf(last, sizeof(last), "%s %s", stem, path);
    done = d;
    done_userdata = userdata;
    return 0;
}

static void a_guard_that_went_with_its_mount(void **state)
{
    char a[] = "/srv/a", *mounts[] = { a, NULL };
    UnitEntry unit = { .name = "pagewarden-mount-srv-a.service", .active_state = "active" };
    Host host = { .bus = (sd_bus *)&unit };
    cleanup(mount_guard_freep) MountGuard *guard = NULL;

    assert_int_equal(mount_guard_new(&host, &guard), 0);
    mount_guard_want(guard, mounts);
    assert_string_equal(last, "srv-a /srv/a");
    done(0, NULL, done_userdata);
    mount_guard_note_units(guard, &unit, 1);
    mount_guard_want(guard, mounts);
    assert_int_equal(n_starts, 1);

    /* Stopped and mounted again between two looks: the mount was there all the time. */
    unit.name = "pagewarden-mount-srv-a.mount";
    mount_guard_note_units(guard, &unit, 1);
    mount_guard_want(guard, mounts);
    assert_int_equal(n_starts, 1); /* it may be about to go: later */
    now += 10 * USEC_PER_SEC;
    mount_guard_want(guard, mounts);
    assert_int_equal(n_starts, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guard_that_went_with_its_mount),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
