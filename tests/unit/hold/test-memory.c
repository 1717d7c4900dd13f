/* SPDX-License-Identifier: MIT */
/* Every allocation of the holder fails once: that file is not pinned, all others are, nothing leaks
 * and the next try succeeds. The linker wraps the allocators, see meson.build. */

#include <sys/mman.h>

#include "hold/shards.h"
#include "unit/failing-memory.h"
#include "unit/hold/descriptors.h"
#include "unit/test.h"

#define FILES 40
#define PAGE  UINT64_C(4096)

static int files[FILES];

/* So many that the tables grow. */
static HoldPacket a_request(HoldLock lock)
{
    HoldPacket packet = { .header = { .type = HOLD_PIN, .n_items = FILES } };

    for (size_t i = 0; i < FILES; i++)
        packet.items[i] = (HoldItem){
            .length = 3 * PAGE,
            .locked = lock == HOLD_LOCK_NOW ? 3 * PAGE : 0,
            .lock = (uint16_t)lock,
            .flags = HOLD_WITH_FD,
        };
    return packet;
}

static size_t count_held(const HoldPacket *packet, int error)
{
    size_t n = 0;

    for (size_t i = 0; i < FILES; i++) {
        const HoldItem *item = &packet->items[i];
        if (item->error == 0)
            assert_int_equal(item->length, 3 * PAGE);
        else
            assert_int_equal(item->error, error);
        n += item->length > 0;
    }
    return n;
}

static int count_items(const HoldPacket *packet, void *userdata)
{
    *(size_t *)userdata += packet->header.n_items;
    return 0;
}

static void one_file_is_not_pinned(void **state)
{
    unsigned n = 1, errors = 0;
    size_t before = count_descriptors(0);

    for (bool failed = true; failed; n++) {
        HoldPacket packet = a_request(n % 2 ? HOLD_LOCK_NOW : HOLD_LOCK_ON_FAULT);
        cleanup(shards_freep) Shards *shards = NULL;
        size_t listed = 0;

        assert_int_equal(shards_new(FILES, false, &shards), 0);
        countdown = n;
        shards_apply(shards, &packet, files);
        failed = countdown == 0;
        countdown = 0;
        size_t held = count_held(&packet, -ENOMEM);
        /* A table that does not grow is slow, no more. */
        assert_in_range(held, failed ? FILES - 1 : FILES, FILES);
        errors += held < FILES;
        assert_int_equal(shards_list(shards, count_items, &listed), 0);
        assert_int_equal(listed, held);
        packet = a_request(n % 2 ? HOLD_LOCK_NOW : HOLD_LOCK_ON_FAULT);
        shards_apply(shards, &packet, files);
        assert_int_equal(count_held(&packet, 0), FILES);
    }
    assert_true(errors > FILES);
    assert_int_equal(count_descriptors(0), before);
}

static void no_table_at_all(void **state)
{
    Shards *shards = NULL;

    for (countdown = 1; countdown < 3;) {
        unsigned n = countdown;
        assert_int_equal(shards_new(1, false, &shards), -ENOMEM);
        assert_null(shards);
        countdown = n + 1;
    }
    countdown = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file_is_not_pinned),
        cmocka_unit_test(no_table_at_all),
    };

    for (size_t i = 0; i < FILES; i++) {
        files[i] = memfd_create("memory", MFD_CLOEXEC);
        if (files[i] < 0 || ftruncate(files[i], (off_t)(3 * PAGE)) < 0)
            return 99;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
