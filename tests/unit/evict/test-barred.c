/* SPDX-License-Identifier: MIT */
/* The kernel's answer to FIEMAP is what the test wants it to be: told once, as it does. */
#include "evict/barred.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/io.h"
#include "util/units.h"

static int answer; /* to the next question; 0 to those behind it */
static unsigned n_asked;
static sem_t *asked, *go; /* NULL: the answer is not waited for */
static Barred *bars_meanwhile;
static bool is_out_of_memory;

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    n_asked++;
    errno = answer;
    answer = 0;
    if (asked) {
        int told = errno;

        sem_post(asked);
        sem_wait(go);
        errno = told;
    }
    return errno == 0 ? 0 : -1;
}

/* Another thread is told that the disk refused the file, just while it is looked at. */
int __real_statx(int dir_fd, const char *path, int flags, unsigned mask, struct statx *ret);
int __wrap_statx(int dir_fd, const char *path, int flags, unsigned mask, struct statx *ret);
int __wrap_statx(int dir_fd, const char *path, int flags, unsigned mask, struct statx *ret)
{
    Barred *barred = bars_meanwhile;

    bars_meanwhile = NULL;
    if (barred)
        barred_add(barred, dir_fd);
    return __real_statx(dir_fd, path, flags, mask, ret);
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    return is_out_of_memory ? NULL : __real_calloc(n, size);
}

static int put_file(const Scratch *scratch, const char *name)
{
    scratch_put(scratch, name, "text");
    return must(openat(scratch->fd, name, O_RDWR | O_CLOEXEC));
}

static int refuse(Barred *barred, int fd)
{
    answer = EIO;
    return barred_ask(barred, fd);
}

static void what_was_refused_stays_until_nothing_of_it_is_left(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    cleanup(barred_freep) Barred *barred = barred_new();
    CLEANUP_CLOSE int fd = put_file(&scratch, "f");
    CLEANUP_CLOSE int other = put_file(&scratch, "other");

    assert_int_equal(barred_ask(barred, fd), 0);
    assert_false(barred_holds(barred, fd));
    assert_int_equal(refuse(barred, fd), -EIO);
    assert_true(barred_holds(barred, fd));
    assert_false(barred_holds(barred, other));
    assert_int_equal(barred_ask(barred, other), 0);

    /* The kernel would say that all is well from now on; also when it is written to, and synced. */
    n_asked = 0;
    assert_int_equal(barred_ask(barred, fd), -EIO);
    assert_int_equal(n_asked, 0);
    must(pwrite(fd, "more", 4, 0));
    must(fsync(fd));
    assert_true(barred_holds(barred, fd));
    assert_false(barred_lets_go(barred, fd));

    must(ftruncate(fd, 0));
    assert_false(barred_holds(barred, fd));
    must(pwrite(fd, "more", 4, 0));
    assert_false(barred_holds(barred, fd));
    assert_int_equal(barred_ask(barred, fd), 0);
    assert_int_equal(n_asked, 1);
}

static void what_could_not_be_asked_for_stays(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    cleanup(barred_freep) Barred *barred = barred_new();
    CLEANUP_CLOSE int fd = put_file(&scratch, "f");

    barred_add(barred, fd);
    barred_add(barred, fd);
    assert_true(barred_holds(barred, fd));
    barred_add(NULL, fd);
    assert_false(barred_holds(NULL, fd));
    assert_int_equal(refuse(NULL, fd), -EIO);
    assert_int_equal(barred_ask(NULL, fd), 0);
}

/* What was measured before does not undo it. */
static void what_is_told_meanwhile_counts(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    cleanup(barred_freep) Barred *barred = barred_new();
    CLEANUP_CLOSE int fd = put_file(&scratch, "f");

    barred_add(barred, fd);
    must(ftruncate(fd, 0));
    bars_meanwhile = barred;
    assert_true(barred_holds(barred, fd));
    assert_false(barred_holds(barred, fd));
}

typedef struct Asking {
    Barred *barred;
    int fd, told;
} Asking;

static void *ask(void *argument)
{
    Asking *asking = argument;

    asking->told = barred_ask(asking->barred, asking->fd);
    return NULL;
}

static void what_one_thread_is_told_all_know(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    cleanup(barred_freep) Barred *barred = barred_new();
    CLEANUP_CLOSE int fd = put_file(&scratch, "f");
    Asking first = { barred, fd, 0 }, second = { barred, fd, 0 };
    sem_t was_asked, may_answer;
    pthread_t threads[2];

    sem_init(&was_asked, 0, 0);
    sem_init(&may_answer, 0, 0);
    asked = &was_asked;
    go = &may_answer;
    n_asked = 0;
    answer = EIO;
    assert_int_equal(pthread_create(&threads[0], NULL, ask, &first), 0);
    sem_wait(&was_asked);
    assert_int_equal(pthread_create(&threads[1], NULL, ask, &second), 0);
    usleep(50 * USEC_PER_MSEC); /* time to ask, if it would */
    sem_post(&may_answer);
    sem_post(&may_answer);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    asked = go = NULL;
    assert_int_equal(first.told, -EIO);
    assert_int_equal(second.told, -EIO);
    assert_int_equal(n_asked, 1);
}

/* While one asks, another bars the file, and a third one finds nothing of it in memory. */
static void what_is_free_again_while_it_is_asked_about(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    cleanup(barred_freep) Barred *barred = barred_new();
    CLEANUP_CLOSE int fd = put_file(&scratch, "f");
    Asking asking = { barred, fd, 0 };
    sem_t was_asked, may_answer;
    pthread_t thread;

    sem_init(&was_asked, 0, 0);
    sem_init(&may_answer, 0, 0);
    asked = &was_asked;
    go = &may_answer;
    answer = EIO;
    assert_int_equal(pthread_create(&thread, NULL, ask, &asking), 0);
    sem_wait(&was_asked);
    barred_add(barred, fd);
    must(ftruncate(fd, 0));
    assert_false(barred_holds(barred, fd));
    must(pwrite(fd, "more", 4, 0));
    sem_post(&may_answer);
    pthread_join(thread, NULL);
    asked = go = NULL;
    assert_int_equal(asking.told, -EIO);
    assert_true(barred_holds(barred, fd));
}

/* The record */

static Barred *read_record(const Scratch *scratch, size_t bad)
{
    Barred *barred = barred_new();
    size_t n_bad = 42;

    assert_int_equal(barred_read(barred, scratch->fd, &n_bad), 0);
    assert_int_equal(n_bad, bad);
    return barred;
}

static void the_next_start_knows_it(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    cleanup(barred_freep) Barred *before = read_record(&scratch, 0);
    CLEANUP_CLOSE int fd = put_file(&scratch, "f");
    CLEANUP_CLOSE int gone = put_file(&scratch, "gone");

    barred_keep(before, scratch.fd);
    assert_int_equal(refuse(before, fd), -EIO);
    barred_add(before, gone);
    must(ftruncate(gone, 0));
    assert_false(barred_holds(before, gone));
    must(pwrite(gone, "new", 3, 0));

    cleanup(barred_freep) Barred *after = read_record(&scratch, 0);
    assert_true(barred_holds(after, fd));
    assert_false(barred_holds(after, gone));
}

static void put_record(const Scratch *scratch, const char *format, ...)
{
    va_list ap;
    char text[256];

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    scratch_put(scratch, BARRED_NAME, text);
}

/* Of the same device and number, and born at another time. */
static void another_file_is_not_barred(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    CLEANUP_CLOSE int fd = put_file(&scratch, "f");
    struct stat st;

    must(fstat(fd, &st));
    put_record(&scratch, "%ju\t%ju\t12345\n", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    cleanup(barred_freep) Barred *barred = read_record(&scratch, 0);
    assert_false(barred_holds(barred, fd));
}

static void bad_lines_are_counted(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    CLEANUP_CLOSE int fd = put_file(&scratch, "f");
    struct stat st;

    must(fstat(fd, &st));
    put_record(&scratch, "1\t2\n1\t2\t3\t4\n1\t2\tx\n1\t0\t3\n\n%ju\t0\t0", (uintmax_t)st.st_dev);
    cleanup(barred_freep) Barred *barred = read_record(&scratch, 4);
    assert_true(barred_holds(barred, fd));
}

/* So many files of the device @dev; more than there is room for, or not. */
static Barred *filled(const Scratch *scratch, uint64_t dev, unsigned n)
{
    CLEANUP_FREE char *text = malloc(n * 48 + 1);
    size_t length = 0;

    assert_non_null(text);
    for (unsigned i = 0; i < n; i++)
        length += (size_t)sprintf(text + length, "%ju\t%u\t1\n", (uintmax_t)dev, i + 1000000000);
    scratch_put(scratch, BARRED_NAME, text);
    return read_record(scratch, 0);
}

static void where_there_is_no_room_the_file_system_is_barred(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    CLEANUP_CLOSE int fd = put_file(&scratch, "f");
    CLEANUP_CLOSE int other = put_file(&scratch, "other");
    CLEANUP_CLOSE int elsewhere = must(memfd_create("f", MFD_CLOEXEC));
    struct stat st;

    must(write(elsewhere, "text", 4));
    must(fstat(fd, &st));
    cleanup(barred_freep) Barred *barred = filled(&scratch, st.st_dev, BARRED_MAX);
    barred_keep(barred, scratch.fd);
    assert_false(barred_holds(barred, fd));
    assert_int_equal(refuse(barred, fd), -EIO);
    assert_true(barred_holds(barred, fd));
    assert_true(barred_holds(barred, other));
    assert_int_equal(barred_ask(barred, other), -EIO);
    assert_false(barred_holds(barred, elsewhere));

    cleanup(barred_freep) Barred *after = read_record(&scratch, 0);
    assert_true(barred_holds(after, other));
    assert_false(barred_holds(after, elsewhere));
}

/* And where there are more file systems than that, all are. */
static void with_too_many_file_systems_nothing_goes(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    CLEANUP_CLOSE int fd = put_file(&scratch, "f");
    char text[512] = "";

    for (unsigned i = 0; i < 16; i++)
        sprintf(text + strlen(text), "%u\t0\t0\n", i + 1000000000);
    scratch_put(&scratch, BARRED_NAME, text);
    cleanup(barred_freep) Barred *barred = read_record(&scratch, 0);
    assert_false(barred_holds(barred, fd));
    strcat(text, "1000000016\t0\t0\n");
    scratch_put(&scratch, BARRED_NAME, text);
    cleanup(barred_freep) Barred *all = read_record(&scratch, 0);
    assert_true(barred_holds(all, fd));
    scratch_put(&scratch, BARRED_NAME, "0\t0\t0\n");
    cleanup(barred_freep) Barred *again = read_record(&scratch, 0);
    assert_true(barred_holds(again, fd));
}

static void without_memory_the_file_system_is_barred(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    cleanup(barred_freep) Barred *barred = barred_new();
    CLEANUP_CLOSE int fd = put_file(&scratch, "f");
    CLEANUP_CLOSE int other = put_file(&scratch, "other");

    is_out_of_memory = true;
    assert_null(barred_new());
    assert_int_equal(refuse(barred, fd), -ENOMEM); /* and was not asked */
    assert_false(barred_holds(barred, fd));
    barred_add(barred, fd);
    is_out_of_memory = false;
    assert_true(barred_holds(barred, fd));
    assert_true(barred_holds(barred, other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_refused_stays_until_nothing_of_it_is_left),
        cmocka_unit_test(what_could_not_be_asked_for_stays),
        cmocka_unit_test(what_is_told_meanwhile_counts),
        cmocka_unit_test(what_one_thread_is_told_all_know),
        cmocka_unit_test(what_is_free_again_while_it_is_asked_about),
        cmocka_unit_test(the_next_start_knows_it),
        cmocka_unit_test(another_file_is_not_barred),
        cmocka_unit_test(bad_lines_are_counted),
        cmocka_unit_test(where_there_is_no_room_the_file_system_is_barred),
        cmocka_unit_test(with_too_many_file_systems_nothing_goes),
        cmocka_unit_test(without_memory_the_file_system_is_barred),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
