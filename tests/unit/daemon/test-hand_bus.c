/* SPDX-License-Identifier: MIT */
/* The methods about pins by hand on one end of a socket, their caller on the other; what is asked
 * of the hands is noted here. */
#include "daemon/hand_bus.h"

#include <errno.h>
#include <fcntl.h>
#include <pagewarden/names.h>
#include <sys/socket.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

/* The hands */

static char asked_unit[300];
static HandCall *asked; /* not yet answered */
static int pin_result;
static HandChoice choices[4];
static char chosen_paths[4][64], chosen_unit[64];
static size_t n_choices;

int hands_pin(Hands *hands, const char *unit, HandCall *call)
{
    snprintf(asked_unit, sizeof(asked_unit), "%s", unit ?: "(none)");
    if (pin_result < 0)
        hand_call_free(call);
    else
        asked = call;
    return pin_result;
}

size_t hands_unpin(Hands *hands, const HandChoice *choice)
{
    assert_true(n_choices < ELEMENTS(choices));
    choices[n_choices] = *choice;
    snprintf(chosen_unit, sizeof(chosen_unit), "%s", choice->unit ?: "(any)");
    snprintf(chosen_paths[n_choices++], 64, "%s", choice->path ?: "(all)");
    return choice->path && strcmp(choice->path, "/unknown") == 0 ? 0 : 2;
}

void hands_flush(Hands *hands)
{
}

/* The bus */

static Hands hands;
static Host host;
static Settings settings = { .refuse_network_filesystems = true };

static int on_pin(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return hand_bus_pin(message, &hands, error);
}

static int on_unpin(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return hand_bus_unpin(message, &hands, error);
}

static int on_list(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return hand_bus_list(message, &hands, error);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Pin", "stta(hs)", "a(ss)", on_pin, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Unpin", "sba(tts)", "ast", on_unpin, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("List", "t", "a(sstttttttt)", on_list, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static sd_bus *server, *client;
static Scratch scratch;

static sd_bus *a_bus(int fd, bool is_server)
{
    sd_bus *bus;
    sd_id128_t id;

    assert_true(sd_bus_new(&bus) >= 0);
    assert_true(sd_bus_set_fd(bus, fd, fd) >= 0);
    assert_true(sd_bus_set_anonymous(bus, true) >= 0);
    assert_true(sd_bus_negotiate_fds(bus, true) >= 0);
    assert_true(sd_id128_randomize(&id) >= 0);
    if (is_server)
        assert_true(sd_bus_set_server(bus, true, id) >= 0);
    assert_true(sd_bus_start(bus) >= 0);
    return bus;
}

static int set_up(void **state)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    server = a_bus(fds[0], true);
    client = a_bus(fds[1], false);
    /* That descriptors can be passed is agreed upon first. */
    for (unsigned i = 0; i < 1000 && sd_bus_is_ready(client) <= 0; i++) {
        assert_true(sd_bus_process(server, NULL) >= 0);
        assert_true(sd_bus_process(client, NULL) >= 0);
    }
    assert_true(sd_bus_add_object_vtable(server, NULL, "/x", "x.y", vtable, NULL) >= 0);
    scratch = scratch_new("/tmp");
    host = (Host){ .settings = &settings };
    host.proc_fd = must(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    hands = (Hands){ .host = &host };
    asked = NULL;
    pin_result = 0;
    n_choices = 0;
    return 0;
}

static int tear_down(void **state)
{
    close(host.proc_fd);
    scratch_done(&scratch);
    sd_bus_close_unref(server);
    sd_bus_close_unref(client);
    return 0;
}

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *error)
{
    *(sd_bus_message **)userdata = sd_bus_message_ref(answer);
    return 0;
}

/* The answer, to be freed. */
static sd_bus_message *ask(sd_bus_message *call)
{
    sd_bus_message *answer = NULL;
    sd_bus_slot *slot = NULL;

    assert_true(sd_bus_call_async(client, &slot, call, on_answer, &answer, 0) >= 0);
    for (unsigned i = 0; i < 1000 && !answer; i++) {
        assert_true(sd_bus_process(server, NULL) >= 0);
        assert_true(sd_bus_process(client, NULL) >= 0);
        if (asked) {
            HandCall *taken = TAKE_PTR(asked);
            taken->answer(taken, NULL, NULL);
        }
    }
    sd_bus_slot_unref(slot);
    sd_bus_message_unref(call);
    assert_non_null(answer);
    return answer;
}

static sd_bus_message *new_call(const char *method)
{
    sd_bus_message *call;

    assert_true(sd_bus_message_new_method_call(client, &call, NULL, "/x", "x.y", method) >= 0);
    return call;
}

static sd_bus_message *pin_call(const char *unit, int fd, const char *path, size_t times)
{
    sd_bus_message *call = new_call("Pin");

    assert_true(sd_bus_message_append(call, "stt", unit, UINT64_C(5000000), UINT64_C(7)) >= 0);
    assert_true(sd_bus_message_open_container(call, 'a', "(hs)") >= 0);
    for (size_t i = 0; i < times; i++)
        assert_true(sd_bus_message_append(call, "(hs)", fd, path) >= 0);
    assert_true(sd_bus_message_close_container(call) >= 0);
    return call;
}

/* The only problem of a call with this file; "" where there is none. Takes @fd over. */
static void expect_problem(int fd, const char *reason)
{
    const char *path = "", *why = "";

    sd_bus_message *answer = ask(pin_call("", must(fd), "/a/path", 1));
    assert_null(sd_bus_message_get_error(answer));
    assert_true(sd_bus_message_enter_container(answer, 'a', "(ss)") >= 0);
    int r = sd_bus_message_read(answer, "(ss)", &path, &why);
    assert_int_equal(r, *reason ? 1 : 0);
    assert_string_equal(why, reason);
    if (*reason)
        assert_string_equal(path, "/a/path");
    sd_bus_message_unref(answer);
    close(fd);
}

static void expect_error(sd_bus_message *call, const char *name)
{
    sd_bus_message *answer = ask(call);

    assert_non_null(sd_bus_message_get_error(answer));
    assert_string_equal(sd_bus_message_get_error(answer)->name, name);
    sd_bus_message_unref(answer);
}

static int open_scratch(const char *name, int flags)
{
    return openat(scratch.fd, name, flags | O_CLOEXEC);
}

static void only_regular_files_that_are_open_for_reading(void **state)
{
    scratch_put(&scratch, "a", "123");
    scratch_put(&scratch, "empty", "");
    scratch_put(&scratch, "deleted", "123");
    must(mkfifoat(scratch.fd, "fifo", 0600));
    expect_problem(open_scratch("a", O_RDONLY), "");
    assert_string_equal(asked_unit, "(none)");
    expect_problem(open_scratch("a", O_RDWR), "is not open for reading only");
    expect_problem(open_scratch("a", O_WRONLY), "is not open for reading only");
    expect_problem(open_scratch("a", O_PATH), "is not open for reading only");
    expect_problem(open_scratch("empty", O_RDONLY), "is empty");
    expect_problem(open_scratch("fifo", O_RDONLY | O_NONBLOCK), "is not a regular file");
    expect_problem(open_scratch(".", O_RDONLY), "is not a regular file");
    int fd = open_scratch("deleted", O_RDONLY);
    must(unlinkat(scratch.fd, "deleted", 0));
    expect_problem(fd, "is deleted");
}

static void no_files_of_the_kernel(void **state)
{
    int fd = open("/sys/kernel/notes", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        skip();
    expect_problem(fd, "is on a kernel file system (sysfs), which is passed over");
}

static void what_makes_no_sense_is_an_error(void **state)
{
    static const char *const units[] = { "a/b.service",       "shop",
                                         ".service",          ":hand:.service",
                                         "a b.service",       "pagewarden-hold-x.service",
                                         "pagewarden.service" };

    scratch_put(&scratch, "a", "123");
    int fd = must(open_scratch("a", O_RDONLY));
    for (size_t i = 0; i < ELEMENTS(units); i++)
        expect_error(pin_call(units[i], fd, "/a", 1), SD_BUS_ERROR_INVALID_ARGS);
    expect_error(pin_call("", fd, "a", 1), SD_BUS_ERROR_INVALID_ARGS);
    expect_error(pin_call("", fd, "", 1), SD_BUS_ERROR_INVALID_ARGS);
    expect_error(pin_call("", fd, "/a", PAGEWARDEN_PIN_MAX + 1), SD_BUS_ERROR_LIMITS_EXCEEDED);
    pin_result = -EDQUOT;
    expect_error(pin_call("shop.service", fd, "/a", PAGEWARDEN_PIN_MAX),
                 PAGEWARDEN_BUS_NAME ".Error.TooManyFiles");
    assert_string_equal(asked_unit, "shop.service");
    close(fd);
}

static void unpin_tells_what_was_not_pinned(void **state)
{
    sd_bus_message *call = new_call("Unpin");
    const char *unknown;
    uint64_t n;

    assert_true(sd_bus_message_append(call, "sba(tts)", "shop.service", 0, 2, UINT64_C(1),
                                      UINT64_C(2), "/known", UINT64_C(0), UINT64_C(0),
                                      "/unknown") >= 0);
    sd_bus_message *answer = ask(call);
    assert_true(sd_bus_message_read(answer, "as", 1, &unknown) > 0);
    assert_string_equal(unknown, "/unknown");
    assert_true(sd_bus_message_read(answer, "t", &n) > 0);
    assert_int_equal(n, 2);
    assert_int_equal(n_choices, 2);
    assert_int_equal(choices[0].dev, 1);
    assert_int_equal(choices[0].ino, 2);
    assert_string_equal(chosen_unit, "shop.service");
    sd_bus_message_unref(answer);

    n_choices = 0;
    call = new_call("Unpin");
    assert_true(sd_bus_message_append(call, "sba(tts)", "", 1, 0) >= 0);
    answer = ask(call);
    assert_int_equal(n_choices, 1);
    assert_string_equal(chosen_paths[0], "(all)");
    assert_string_equal(chosen_unit, "(any)");
    sd_bus_message_unref(answer);
}

/* Page by page, each file once. */
static void the_list_goes_on(void **state)
{
    HandFile *files = NULL;
    Hand hand = { .unit = (char *)"shop.service" }, *all[] = { &hand };
    uint64_t skip = 0, sum = 0, before;

    for (uint64_t i = 0; i < 1200; i++) {
        HandFile *file = calloc(1, sizeof(HandFile));
        file->id = (HandId){ 1, i + 1 };
        HASH_ADD(hh, files, id, sizeof(file->id), file);
    }
    hand.files = files;
    hands.hands = all;
    hands.n_hands = 1;
    do {
        sd_bus_message *call = new_call("List");
        uint64_t ino;
        before = skip;
        assert_true(sd_bus_message_append(call, "t", skip) >= 0);
        sd_bus_message *answer = ask(call);
        assert_true(sd_bus_message_enter_container(answer, 'a', "(sstttttttt)") >= 0);
        while (sd_bus_message_read(answer, "(sstttttttt)", NULL, NULL, NULL, &ino, NULL, NULL, NULL,
                                   NULL, NULL, NULL) > 0) {
            sum += ino;
            skip++;
        }
        sd_bus_message_unref(answer);
    } while (skip > before);
    assert_int_equal(skip, 1200);
    assert_int_equal(sum, 1200 * 1201 / 2);
    for (HandFile *file = files, *next; file; file = next) {
        next = file->hh.next;
        HASH_DEL(files, file);
        free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_regular_files_that_are_open_for_reading, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_files_of_the_kernel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unpin_tells_what_was_not_pinned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_list_goes_on, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
