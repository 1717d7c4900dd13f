/* SPDX-License-Identifier: MIT */
/* Real holders, without a controller. */
#include "hold/client.h"

#include "native/hold/holder.h"

#define PAGE  UINT64_C(4096)
#define FILES 300 /* more than two packets have room for */

/* In the folder of the sockets. */
static int listen_at(const Scratch *sockets, const char *name, Holder *h)
{
    h->address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    h->size = sizeof(h->address);
    snprintf(h->address.sun_path, sizeof(h->address.sun_path), "%.80s/%s", sockets->path, name);
    int fd = must(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    must(bind(fd, (struct sockaddr *)&h->address, h->size));
    must(listen(fd, 8));
    return fd;
}

static Holder holder_start_at(const Scratch *sockets, const char *name)
{
    char *argv[] = { (char *)"pagewarden-hold", NULL };
    Holder h;

    int fd = listen_at(sockets, name, &h);
    h.pid = spawn_holder(fd, -1, argv);
    close(fd);
    return h;
}

static struct stat pin_a_page(int c, const Scratch *scratch, size_t i)
{
    char name[32];
    struct stat st;

    snprintf(name, sizeof(name), "%zu", i);
    CLEANUP_CLOSE int fd = make_file(scratch, name, PAGE);
    must(fstat(fd, &st));
    HoldItem item = { .length = PAGE, .locked = PAGE };
    assert_int_equal(ask(c, HOLD_PIN, item, fd).locked, PAGE);
    return st;
}

static bool is_even(const HoldItem *item, void *userdata)
{
    return item->ino % 2 == 0;
}

static bool is_any(const HoldItem *item, void *userdata)
{
    return true;
}

static size_t count_locked(const Holder *h, bool even)
{
    HoldItem items[FILES];
    size_t n, n_such = 0;

    CLEANUP_CLOSE int c = holder_connect(h);
    n = ask_list(c, items, FILES);
    for (size_t i = 0; i < n; i++)
        n_such += (items[i].ino % 2 == 0) == even;
    return n_such;
}

static void what_is_chosen_goes(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_SCRATCH Scratch sockets = scratch_new("/tmp");
    CLEANUP_HOLDER Holder many = holder_start_at(&sockets, "many");
    CLEANUP_HOLDER Holder one = holder_start_at(&sockets, "one");
    CLEANUP_CLOSE int controller = holder_connect(&many);
    size_t n_even[2] = { 0 }, n;
    Holder gone;

    close(listen_at(&sockets, "gone", &gone)); /* what a holder that ended leaves behind */
    for (size_t i = 0; i < FILES; i++)
        n_even[0] += pin_a_page(controller, &scratch, i).st_ino % 2 == 0;
    int c = holder_connect(&one);
    n_even[1] = pin_a_page(c, &scratch, FILES).st_ino % 2 == 0;
    close(c);

    assert_int_equal(holders_release(sockets.path, is_even, NULL, &n), 0);
    assert_int_equal(n, n_even[0] + n_even[1]);
    assert_hung_up(controller); /* and knows that it does not know any more what is held */
    assert_int_equal(count_locked(&many, true), 0);
    assert_int_equal(count_locked(&many, false), FILES - n_even[0]);
    assert_int_equal(count_locked(&one, false), 1 - n_even[1]);

    assert_int_equal(holders_release(sockets.path, is_any, NULL, &n), 0);
    assert_int_equal(n, FILES + 1 - n_even[0] - n_even[1]);
    assert_int_equal(locked_in_all(many.pid) + locked_in_all(one.pid), 0);
    assert_int_equal(holders_release(sockets.path, is_any, NULL, &n), 0);
    assert_int_equal(n, 0);
}

/* Answers one packet as a holder of version @version; with 0 it hangs up. */
static pid_t one_of_version(const Scratch *sockets, uint16_t version)
{
    HoldPacket packet;
    Holder h;

    int fd = listen_at(sockets, "other", &h);
    fflush(NULL);
    pid_t pid = must(fork());
    if (pid != 0) {
        close(fd);
        return pid;
    }
    int c = must(accept(fd, NULL, NULL));
    check(recv(c, &packet, sizeof(packet), 0) == sizeof(HoldHeader));
    HoldHeader answer = { .version = version, .type = HOLD_DONE };
    if (version > 0)
        check(send(c, &answer, sizeof(answer), 0) == sizeof(answer));
    _exit(0);
}

static void one_that_cannot_be_told_keeps_no_other(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_SCRATCH Scratch sockets = scratch_new("/tmp");
    CLEANUP_HOLDER Holder good = holder_start_at(&sockets, "good");
    static const struct {
        uint16_t version;
        int error;
    } cases[] = { { HOLD_VERSION + 1, -EPROTONOSUPPORT }, { 0, -EPIPE } };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        size_t n = 0;
        int status, c = holder_connect(&good);
        pin_a_page(c, &scratch, i);
        close(c);
        pid_t other = one_of_version(&sockets, cases[i].version);
        assert_int_equal(holders_release(sockets.path, is_any, NULL, &n), cases[i].error);
        assert_int_equal(n, 1);
        must(waitpid(other, &status, 0));
        assert_int_equal(status, 0);
        must(unlinkat(sockets.fd, "other", 0));
    }
}

static void a_folder_that_is_not_there(void **state)
{
    size_t n = 1;

    assert_int_equal(holders_release("/nowhere", is_any, NULL, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(holders_release("/dev/null", is_any, NULL, &n), -ENOTDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_chosen_goes),
        cmocka_unit_test(one_that_cannot_be_told_keeps_no_other),
        cmocka_unit_test(a_folder_that_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
