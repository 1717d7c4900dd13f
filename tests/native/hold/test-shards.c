/* SPDX-License-Identifier: MIT */
/* More files than one process can map. */

#include "native/hold/holder.h"

#define PAGE      UINT64_C(4096)
#define PER_SHARD 20
#define FILES     70
#define MANY      100000

/* Of the processes that @pid has started; how many there are. */
static size_t children_of(int pid, int *children, size_t max)
{
    char path[64];
    size_t n = 0;
    int child;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fscanf(file, "%d", &child) == 1)
        if (n < max)
            children[n++] = child;
    fclose(file);
    return n;
}

static uint64_t locked_by_all(int pid)
{
    int children[64];
    size_t n = children_of(pid, children, 64);
    uint64_t sum = locked_in_all(pid);

    for (size_t i = 0; i < n; i++)
        sum += locked_in_all(children[i]);
    return sum;
}

static void name_of(size_t i, char name[static 32])
{
    snprintf(name, 32, "%zu/%zu", i / 1000, i % 1000);
}

static void make_small_files(const Scratch *scratch, size_t n)
{
    char name[32], bytes[PAGE] = { 1 };

    for (size_t i = 0; i < n; i++) {
        name_of(i, name);
        if (i % 1000 == 0)
            scratch_folders(scratch, name);
        int fd = must(openat(scratch->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        must(write(fd, bytes, sizeof(bytes)));
        close(fd);
    }
}

/* Pins the files [@from, @from + @n) whole, in one request. */
static HoldPacket pin_some(int c, const Scratch *scratch, size_t from, size_t n)
{
    HoldPacket packet = { .header = { .type = HOLD_PIN, .n_items = (uint32_t)n } };
    int fds[HOLD_BATCH_MAX];
    char name[32];

    for (size_t i = 0; i < n; i++) {
        name_of(from + i, name);
        fds[i] = must(openat(scratch->fd, name, O_RDONLY | O_CLOEXEC));
        packet.items[i] = (HoldItem){ .length = PAGE, .locked = PAGE, .flags = HOLD_WITH_FD };
    }
    assert_int_equal(try_ask_packet(c, &packet, fds, n, &packet), 0);
    assert_int_equal(packet.header.error, 0);
    assert_int_equal(packet.header.n_items, n);
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
    return packet;
}

static void pin_all(int c, const Scratch *scratch, size_t n)
{
    for (size_t i = 0; i < n; i += HOLD_BATCH_MAX) {
        HoldPacket answer = pin_some(c, scratch, i, min_u64(HOLD_BATCH_MAX, n - i));
        for (uint32_t k = 0; k < answer.header.n_items; k++)
            if (answer.items[k].error != 0 || answer.items[k].locked != PAGE)
                fail_msg("file %zu: %s", i + k, strerror(-answer.items[k].error));
    }
}

static Holder a_holder(void)
{
    return holder_start_with(-1, "--mappings=20");
}

static void further_processes_take_what_is_too_much(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = a_holder();
    CLEANUP_CLOSE int c = holder_connect(&h);
    HoldItem items[FILES + 1];
    int children[8];

    make_small_files(&scratch, FILES);
    pin_all(c, &scratch, PER_SHARD);
    assert_int_equal(children_of(h.pid, children, 8), 0);
    pin_all(c, &scratch, FILES);
    assert_int_equal(children_of(h.pid, children, 8), 3);
    assert_int_equal(locked_in_all(h.pid), PER_SHARD * PAGE);
    assert_int_equal(locked_by_all(h.pid), FILES * PAGE);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(mapped_of(children[i], NULL).barred, locked_in_all(children[i]));
        assert_int_equal(count_descriptors(children[i]), 3);
    }
    assert_int_equal(count_descriptors(h.pid), 4 + 3);
    assert_int_equal(ask_list(c, items, FILES + 1), FILES);

    /* One face: it does not matter which of them has a file. Each is held once. */
    pin_all(c, &scratch, FILES);
    assert_int_equal(ask_list(c, NULL, 0), FILES);
    assert_int_equal(locked_by_all(h.pid), FILES * PAGE);
    HoldPacket all = { .header = { .type = HOLD_REFRESH, .n_items = FILES } };
    memcpy(all.items, items, FILES * sizeof(HoldItem));
    HoldPacket answer;
    assert_int_equal(try_ask_packet(c, &all, NULL, 0, &answer), 0);
    for (size_t i = 0; i < FILES; i++)
        assert_true(answer.items[i].error == 0 && answer.items[i].locked == PAGE &&
                    answer.items[i].ino == items[i].ino);
    all.header.type = HOLD_RELEASE;
    assert_int_equal(try_ask_packet(c, &all, NULL, 0, &answer), 0);
    for (size_t i = 0; i < FILES; i++)
        assert_true(answer.items[i].error == 0 && answer.items[i].length == 0);
    assert_int_equal(locked_by_all(h.pid), 0);
    assert_int_equal(ask_list(c, NULL, 0), 0);

    /* And there is room again, without more processes. */
    pin_all(c, &scratch, FILES);
    assert_int_equal(locked_by_all(h.pid), FILES * PAGE);
    assert_int_equal(children_of(h.pid, children, 8), 3);
}

static void what_died_is_told_and_replaced(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = a_holder();
    CLEANUP_CLOSE int c = holder_connect(&h);
    HoldItem items[FILES];
    HoldPacket gone;
    int children[8];

    make_small_files(&scratch, FILES);
    pin_all(c, &scratch, FILES);
    assert_int_equal(children_of(h.pid, children, 8), 3);
    must(kill(children[1], SIGKILL));
    assert_true(comes_within(c, ANSWER_MS));
    assert_int_equal(hold_receive(c, &gone, NULL), 1);
    assert_int_equal(gone.header.type, HOLD_GONE);
    assert_int_equal(gone.header.n_items, PER_SHARD);
    size_t n = ask_list(c, items, FILES);
    assert_int_equal(n, FILES - PER_SHARD);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < PER_SHARD; k++)
            assert_false(items[i].ino == gone.items[k].ino && items[i].dev == gone.items[k].dev);
    assert_int_equal(locked_by_all(h.pid), (FILES - PER_SHARD) * PAGE);
    assert_int_equal(children_of(h.pid, children, 8), 2); /* no zombie is left */

    pin_all(c, &scratch, FILES);
    assert_int_equal(locked_by_all(h.pid), FILES * PAGE);
    assert_int_equal(children_of(h.pid, children, 8), 3);

    /* While nobody listens: then the list does not have them. */
    close(c);
    must(kill(children[0], SIGKILL));
    int left[8];
    assert_true(comes_true(children_of(h.pid, left, 8) == 2));
    c = holder_connect(&h);
    assert_in_range(ask_list(c, NULL, 0), FILES - PER_SHARD, FILES - 10);
    pin_all(c, &scratch, FILES);
    assert_int_equal(ask_list(c, NULL, 0), FILES);
    assert_int_equal(locked_by_all(h.pid), FILES * PAGE);
}

/* It is stopped, so that it dies with a request that it did not read. */
static void dying_in_the_middle_of_a_request(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = a_holder();
    CLEANUP_CLOSE int c = holder_connect(&h);
    HoldItem items[FILES];
    HoldPacket all = { .header = { .type = HOLD_REFRESH, .n_items = 2 * PER_SHARD } }, answer;
    int children[8];

    make_small_files(&scratch, 2 * PER_SHARD);
    pin_all(c, &scratch, 2 * PER_SHARD);
    assert_int_equal(ask_list(c, items, FILES), 2 * PER_SHARD);
    memcpy(all.items, items, sizeof(items));
    assert_int_equal(children_of(h.pid, children, 8), 1);
    must(kill(children[0], SIGSTOP));
    assert_int_equal(hold_send(c, &all, NULL, 0), 0);
    assert_false(comes_within(c, 200));
    must(kill(children[0], SIGKILL));
    assert_true(comes_within(c, ANSWER_MS));
    assert_int_equal(hold_receive(c, &answer, NULL), 1);
    assert_int_equal(answer.header.type, HOLD_DONE);
    for (size_t i = 0; i < 2 * PER_SHARD; i++) {
        bool here = i < PER_SHARD; /* it lists its own first */
        assert_int_equal(answer.items[i].ino, items[i].ino);
        assert_int_equal(answer.items[i].error, here ? 0 : -EPIPE);
        assert_int_equal(answer.items[i].length, here ? PAGE : 0);
    }
    /* Behind the answer. */
    assert_true(comes_within(c, ANSWER_MS));
    assert_int_equal(hold_receive(c, &answer, NULL), 1);
    assert_int_equal(answer.header.type, HOLD_GONE);
    assert_int_equal(answer.header.n_items, PER_SHARD);
}

static void they_die_with_the_first_one(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = a_holder();
    CLEANUP_CLOSE int c = holder_connect(&h);
    int children[8];

    make_small_files(&scratch, FILES);
    pin_all(c, &scratch, FILES);
    size_t n = children_of(h.pid, children, 8);
    assert_int_equal(n, 3);
    holder_end(&h);
    for (size_t k = 0; k < n; k++)
        assert_true(comes_true(!is_alive(children[k])));
}

static void a_hundred_thousand_files(void **state)
{
    /* ext4 takes minutes to make so many where as many were removed just before. */
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/dev/shm");
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    int children[8];

    make_small_files(&scratch, MANY);
    pin_all(c, &scratch, MANY);
    assert_int_equal(locked_by_all(h.pid), MANY * PAGE);
    assert_int_equal(children_of(h.pid, children, 8), 1);
    assert_int_equal(mapped_of(h.pid, NULL).locked + mapped_of(children[0], NULL).locked,
                     MANY * PAGE);
    assert_int_equal(ask_list(c, NULL, 0), MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(further_processes_take_what_is_too_much),
        cmocka_unit_test(what_died_is_told_and_replaced),
        cmocka_unit_test(dying_in_the_middle_of_a_request),
        cmocka_unit_test(they_die_with_the_first_one),
        cmocka_unit_test(a_hundred_thousand_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
