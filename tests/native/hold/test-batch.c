/* SPDX-License-Identifier: MIT */
/* Many files in one request; parts of files; the ways of locking. */

#include "native/hold/holder.h"

#define PAGE UINT64_C(4096)

/* One file of each of the items; they have descriptors. */
typedef struct Batch {
    HoldPacket packet;
    int fds[HOLD_BATCH_MAX];
    struct stat stats[HOLD_BATCH_MAX];
} Batch;

static void batch_done(Batch *batch)
{
    for (uint32_t i = 0; i < batch->packet.header.n_items; i++)
        close(batch->fds[i]);
}

#define CLEANUP_BATCH cleanup(batch_done)

static void batch_add(Batch *batch, const Scratch *scratch, uint64_t size, uint64_t locked)
{
    uint32_t i = batch->packet.header.n_items++;
    char name[16];

    snprintf(name, sizeof(name), "b%u", i);
    batch->fds[i] = make_file(scratch, name, size);
    must(fstat(batch->fds[i], &batch->stats[i]));
    batch->packet.header.type = HOLD_PIN;
    batch->packet.items[i] = (HoldItem){
        .length = size,
        .locked = locked,
        .flags = HOLD_WITH_FD,
    };
}

static HoldPacket ask_batch(int c, const Batch *batch)
{
    HoldPacket answer;

    assert_int_equal(
        try_ask_packet(c, &batch->packet, batch->fds, batch->packet.header.n_items, &answer), 0);
    assert_int_equal(answer.header.type, HOLD_DONE);
    return answer;
}

static void a_full_batch(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_BATCH Batch batch = { 0 };
    uint64_t sum = 0;

    for (uint64_t i = 0; i < HOLD_BATCH_MAX; i++) {
        batch_add(&batch, &scratch, i * 200 + 1, i * 200 + 1);
        sum += (i * 200 + PAGE) / PAGE * PAGE;
    }
    HoldPacket answer = ask_batch(c, &batch);
    assert_int_equal(answer.header.error, 0);
    assert_int_equal(answer.header.n_items, HOLD_BATCH_MAX);
    for (uint64_t i = 0; i < HOLD_BATCH_MAX; i++) {
        const HoldItem *item = &answer.items[i];
        assert_true(item->dev == batch.stats[i].st_dev && item->ino == batch.stats[i].st_ino);
        assert_int_equal(item->error, 0);
        assert_int_equal(item->length, i * 200 + 1);
        assert_int_equal(item->locked, i * 200 + 1);
        assert_int_equal(mapped_of(h.pid, &batch.stats[i]).barred, (i * 200 + PAGE) / PAGE * PAGE);
    }
    assert_int_equal(locked_in_all(h.pid), sum);
    assert_int_equal(ask_list(c, NULL, 0), HOLD_BATCH_MAX);
    assert_int_equal(count_descriptors(h.pid), 4);

    /* And all of them at once are let go. */
    answer.header.type = HOLD_RELEASE;
    assert_int_equal(try_ask_packet(c, &answer, NULL, 0, &answer), 0);
    for (uint32_t i = 0; i < HOLD_BATCH_MAX; i++)
        assert_true(answer.items[i].error == 0 && answer.items[i].length == 0);
    assert_int_equal(locked_in_all(h.pid), 0);
}

static void what_fails_does_not_hold_up_the_others(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_BATCH Batch batch = { 0 };

    for (unsigned i = 0; i < 5; i++)
        batch_add(&batch, &scratch, 3 * PAGE, i == 3 ? PAGE : 3 * PAGE);
    must(ftruncate(batch.fds[1], PAGE));
    batch.packet.items[2].offset = 1;
    HoldPacket answer = ask_batch(c, &batch);
    static const int errors[] = { 0, -EINVAL, -EINVAL, 0, 0 };
    static const uint64_t locked[] = { 3 * PAGE, 0, 0, PAGE, 3 * PAGE };
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(answer.items[i].error, errors[i]);
        assert_int_equal(answer.items[i].ino, batch.stats[i].st_ino);
        assert_int_equal(answer.items[i].locked, locked[i]);
        assert_int_equal(answer.items[i].length, errors[i] < 0 ? 0 : 3 * PAGE);
    }
    assert_int_equal(locked_in_all(h.pid), 7 * PAGE);
}

static void no_more_than_a_slice_in_all(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_BATCH Batch batch = { 0 };

    batch_add(&batch, &scratch, 20 * MIB, HOLD_SLICE_MAX - PAGE);
    batch_add(&batch, &scratch, 2 * PAGE, PAGE);
    batch_add(&batch, &scratch, 2 * PAGE, 1);
    HoldPacket answer = ask_batch(c, &batch);
    assert_int_equal(answer.header.error, -E2BIG);
    assert_int_equal(answer.header.n_items, 0);
    assert_int_equal(locked_in_all(h.pid), 0);
    assert_int_equal(ask_list(c, NULL, 0), 0);
    assert_int_equal(count_descriptors(h.pid), 4);
    /* Overflow is no way around it. */
    batch.packet.items[2].locked = UINT64_MAX - HOLD_SLICE_MAX + 2;
    assert_int_equal(ask_batch(c, &batch).header.error, -E2BIG);

    batch.packet.items[2].locked = 0;
    answer = ask_batch(c, &batch);
    assert_int_equal(answer.header.error, 0);
    assert_int_equal(answer.items[0].locked, HOLD_SLICE_MAX - PAGE);
    assert_int_equal(answer.items[1].locked, PAGE);
    assert_int_equal(answer.items[2].locked, 0);
    assert_int_equal(locked_in_all(h.pid), HOLD_SLICE_MAX);
}

static int a_cold_file(const Scratch *scratch, uint64_t size)
{
    int fd = make_file(scratch, "cold", size);

    make_cold(fd, size);
    return fd;
}

static void a_part_of_a_file(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = a_cold_file(&scratch, 8 * MIB + 10);
    HoldItem part = { .offset = 6 * MIB, .length = MIB, .locked = MIB }, listed;
    struct stat st;

    must(fstat(file, &st));
    HoldItem m = ask(c, HOLD_PIN, part, file);
    assert_int_equal(m.error, 0);
    assert_int_equal(m.offset, 6 * MIB);
    assert_int_equal(m.length, MIB);
    assert_int_equal(m.locked, MIB);
    assert_int_equal(mapped_of(h.pid, &st).locked, MIB);
    assert_int_equal(cached(file, 6 * MIB, MIB), MIB);
    assert_int_equal(ask_list(c, &listed, 1), 1);
    assert_int_equal(listed.offset, 6 * MIB);

    /* It grows to the end; what was locked stays so. */
    part.length = 2 * MIB + 10;
    part.locked = 2 * MIB;
    m = ask(c, HOLD_PIN, part, file);
    assert_int_equal(m.error, 0);
    assert_int_equal(m.locked, 2 * MIB + 10);
    assert_int_equal(locked_in_all(h.pid), 2 * MIB + PAGE);
    assert_int_equal(cached(file, 6 * MIB, 2 * MIB), 2 * MIB);

    /* From elsewhere, or otherwise, it is to be let go first. */
    part.offset = 4 * MIB;
    assert_int_equal(ask(c, HOLD_PIN, part, file).error, -EEXIST);
    part.offset = 6 * MIB;
    part.lock = HOLD_LOCK_ON_FAULT;
    m = ask(c, HOLD_PIN, part, file);
    assert_int_equal(m.error, -EEXIST);
    assert_int_equal(m.locked, 2 * MIB + 10);
    assert_int_equal(ask_release(c, &st).error, 0);
    assert_int_equal(locked_in_all(h.pid), 0);
}

static HoldItem ask_resident(int c, const struct stat *st, uint64_t offset, uint64_t length,
                             uint64_t bytes)
{
    HoldItem item = item_of(st);

    item.offset = offset;
    item.length = length;
    item.locked = bytes;
    item.lock = HOLD_LOCK_ON_FAULT;
    return ask(c, HOLD_PIN, item, -1);
}

static void only_what_is_in_memory(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = a_cold_file(&scratch, 32 * MIB);
    HoldItem part = { .offset = MIB, .length = 31 * MIB, .lock = HOLD_LOCK_ON_FAULT };
    char byte;
    struct stat st;

    must(fstat(file, &st));
    must(posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM)); /* no read-ahead */
    HoldItem m = ask(c, HOLD_PIN, part, file);
    assert_int_equal(m.error, 0);
    assert_int_equal(m.lock, HOLD_LOCK_ON_FAULT);
    assert_int_equal(m.length, 31 * MIB);
    assert_int_equal(m.locked, 0);
    /* One mapping that nobody can read; nothing was read. */
    assert_int_equal(mapped_of(h.pid, &st).flagged, 31 * MIB);
    assert_int_equal(mapped_of(h.pid, &st).barred, 31 * MIB);
    assert_int_equal(mapped_of(h.pid, &st).locked, 0);
    assert_int_equal(cached(file, 0, 32 * MIB), 0);

    must(pread(file, &byte, 1, (off_t)(5 * MIB)));
    must(pread(file, &byte, 1, (off_t)(5 * MIB + PAGE)));
    m = ask_resident(c, &st, 5 * MIB, 2 * PAGE, MIB);
    assert_int_equal(m.error, 0);
    assert_int_equal(m.locked, 2 * PAGE);
    assert_int_equal(mapped_of(h.pid, &st).locked, 2 * PAGE);
    assert_true(cached(file, 0, 32 * MIB) < 16 * MIB);
    /* Again is nothing new; beside it and across, only what is new counts. */
    assert_int_equal(ask_resident(c, &st, 5 * MIB, 2 * PAGE, MIB).locked, 2 * PAGE);
    assert_int_equal(ask_resident(c, &st, 5 * MIB - PAGE, 4 * PAGE, PAGE).locked, 3 * PAGE);
    assert_int_equal(ask_resident(c, &st, 5 * MIB - PAGE, 4 * PAGE, MIB).locked, 4 * PAGE);
    assert_int_equal(mapped_of(h.pid, &st).locked, 4 * PAGE);
    /* What lies outside of the part is not meant. */
    assert_int_equal(ask_resident(c, &st, 0, MIB, MIB).locked, 4 * PAGE);
    assert_int_equal(ask_resident(c, &st, 0, MIB + PAGE, MIB).locked, 5 * PAGE);
    assert_int_equal(ask_resident(c, &st, 32 * MIB - PAGE, UINT64_MAX, MIB).locked, 6 * PAGE);
    assert_int_equal(ask_resident(c, &st, UINT64_MAX, UINT64_MAX, MIB).locked, 6 * PAGE);
    assert_int_equal(mapped_of(h.pid, &st).locked, 6 * PAGE);
    /* It cannot be locked without gaps. */
    assert_int_equal(ask_lock(c, &st, MIB).error, -EINVAL);

    /* Taken away by truncation, and back. */
    must(ftruncate(file, 0));
    assert_int_equal(ask(c, HOLD_REFRESH, item_of(&st), -1).error, -EFAULT);
    must(ftruncate(file, (off_t)(32 * MIB)));
    assert_int_equal(mapped_of(h.pid, &st).locked, 0);
    m = ask(c, HOLD_REFRESH, item_of(&st), -1);
    assert_int_equal(m.error, 0);
    assert_int_equal(m.locked, 6 * PAGE);
    assert_int_equal(mapped_of(h.pid, &st).locked, 6 * PAGE);
}

static void warm_only(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = a_cold_file(&scratch, 8 * MIB + 10);
    HoldItem part = { .offset = 2 * MIB, .length = MIB + 10, .lock = HOLD_LOCK_NONE };
    struct stat st;

    must(fstat(file, &st));
    HoldItem m = ask(c, HOLD_PIN, part, file);
    assert_int_equal(m.error, 0);
    assert_int_equal(m.ino, st.st_ino);
    assert_int_equal(m.length, 0);
    assert_int_equal(m.locked, 0);
    assert_int_equal(mapped_of(h.pid, &st).n, 0);
    assert_int_equal(ask_list(c, NULL, 0), 0);
    /* Reading it counts as a slice, too. */
    part = (HoldItem){ .length = HOLD_SLICE_MAX + 1, .lock = HOLD_LOCK_NONE };
    assert_int_equal(ask(c, HOLD_PIN, part, file).error, -E2BIG);
}

static void a_greeting_of_any_version(void **state)
{
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    static const uint16_t versions[] = { 0, 1, 2, HOLD_VERSION + 1, UINT16_MAX };
    char bytes[200] = { 0 };
    HoldPacket answer;

    for (size_t i = 0; i < ELEMENTS(versions); i++) {
        HoldHeader header = { .version = versions[i], .type = HOLD_HELLO };
        memcpy(bytes, &header, sizeof(header));
        /* Version 1 had 40 bytes in each message. */
        assert_int_equal(send_raw(c, bytes, i == 1 ? 40 : sizeof(bytes), NULL, 0), 0);
        assert_true(comes_within(c, ANSWER_MS));
        assert_int_equal(hold_receive(c, &answer, NULL), 1);
        assert_int_equal(answer.header.version, HOLD_VERSION);
        assert_int_equal(answer.header.type, HOLD_DONE);
        assert_int_equal(answer.header.pid, h.pid);
    }
    assert_int_equal(ask_hello(c).pid, h.pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_batch),
        cmocka_unit_test(what_fails_does_not_hold_up_the_others),
        cmocka_unit_test(no_more_than_a_slice_in_all),
        cmocka_unit_test(a_part_of_a_file),
        cmocka_unit_test(only_what_is_in_memory),
        cmocka_unit_test(warm_only),
        cmocka_unit_test(a_greeting_of_any_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
