/* SPDX-License-Identifier: MIT */
/* The interface on one end of a socket, its caller on the other; the manager behind it is ours. */

#include "daemon/bus_api.h"

#include <errno.h>
#include <pagewarden/names.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "unit/test.h"

static const char *described;      /* what Describe() is to tell; NULL: out of memory */
static const char *reload_errors;  /* what Reload() ends with */
static int reload_result;          /* negative: it does not begin */
static manager_reloaded_t waiting; /* until answer_reload() */
static void *waiting_userdata;

json_object *manager_describe(Manager *manager)
{
    return described ? json_object_new_string(described) : NULL;
}

static bool paused;

int manager_pause(Manager *manager, bool on)
{
    paused = on;
    return 0;
}

int manager_reload(Manager *manager, manager_reloaded_t done, void *userdata)
{
    if (reload_result < 0)
        return reload_result;
    waiting = done;
    waiting_userdata = userdata;
    return 0;
}

static unsigned n_ready;

void manager_tell_ready(Manager *manager)
{
    n_ready++;
}

/* What is behind these is tested where it is. */
Releasing *manager_releasing(Manager *manager)
{
    return NULL;
}

static PinHeld pinned[1500]; /* by the policy of "shop.service" */

int manager_pinned(const Manager *manager, const char *unit, const PinHeld **ret, size_t *ret_n)
{
    if (strcmp(unit, "shop.service") != 0)
        return -ENOENT;
    *ret = pinned;
    *ret_n = sizeof(pinned) / sizeof(pinned[0]);
    return 0;
}

Hands *manager_hands(Manager *manager)
{
    return NULL;
}

int releasing_on_release(Releasing *releasing, sd_bus_message *message, sd_bus_error *error)
{
    return sd_bus_reply_method_return(message, NULL);
}

int releasing_on_pin_again(Releasing *releasing, sd_bus_message *message, sd_bus_error *error)
{
    return sd_bus_error_set(error, PAGEWARDEN_BUS_NAME ".Error.NotReleased", "Not so");
}

static sd_bus_message_handler_t named;
static void *named_userdata;

/* There are no names on a connection of two. */
int sd_bus_request_name_async(sd_bus *bus, sd_bus_slot **ret_slot, const char *name, uint64_t flags,
                              sd_bus_message_handler_t callback, void *userdata)
{
    named = callback;
    named_userdata = userdata;
    return 0;
}

typedef struct Peers {
    sd_bus *server, *client;
    BusApi *api;
} Peers;

static sd_bus *a_bus(int fd, bool server)
{
    sd_bus *bus;
    sd_id128_t id;

    assert_true(sd_bus_new(&bus) >= 0);
    assert_true(sd_bus_set_fd(bus, fd, fd) >= 0);
    assert_true(sd_bus_set_anonymous(bus, true) >= 0);
    assert_true(sd_id128_randomize(&id) >= 0);
    if (server)
        assert_true(sd_bus_set_server(bus, true, id) >= 0);
    assert_true(sd_bus_start(bus) >= 0);
    return bus;
}

static int set_up(void **state)
{
    static Peers peers;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    peers.server = a_bus(fds[0], true);
    peers.client = a_bus(fds[1], false);
    assert_int_equal(bus_api_new(peers.server, NULL, &peers.api), 0);
    *state = &peers;
    return 0;
}

static int tear_down(void **state)
{
    Peers *peers = *state;

    peers->api = bus_api_free(peers->api);
    peers->server = sd_bus_close_unref(peers->server);
    peers->client = sd_bus_close_unref(peers->client);
    return 0;
}

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *error)
{
    *(sd_bus_message **)userdata = sd_bus_message_ref(answer);
    return 0;
}

/* The answer, to be freed. A call without one ends with the time-out, which fails the test. */
static sd_bus_message *call(Peers *peers, const char *method)
{
    sd_bus_message *answer = NULL;

    assert_true(sd_bus_call_method_async(peers->client, NULL, NULL, PAGEWARDEN_OBJECT_PATH,
                                         PAGEWARDEN_INTERFACE, method, on_answer, &answer,
                                         NULL) >= 0);
    for (unsigned i = 0; i < 10000 && !answer; i++) {
        assert_true(sd_bus_process(peers->server, NULL) >= 0);
        assert_true(sd_bus_process(peers->client, NULL) >= 0);
        if (waiting) {
            manager_reloaded_t done = waiting;
            waiting = NULL;
            done(reload_errors, waiting_userdata);
        }
    }
    assert_non_null(answer);
    return answer;
}

static void expect_error(Peers *peers, const char *method, const char *name, const char *message)
{
    sd_bus_message *answer = call(peers, method);
    const sd_bus_error *error = sd_bus_message_get_error(answer);

    assert_non_null(error);
    assert_string_equal(error->name, name);
    if (message)
        assert_string_equal(error->message, message);
    sd_bus_message_unref(answer);
}

static void describe_tells(void **state)
{
    const char *text;

    described = "all is well";
    sd_bus_message *answer = call(*state, "Describe");
    assert_null(sd_bus_message_get_error(answer));
    assert_true(sd_bus_message_read(answer, "s", &text) > 0);
    assert_string_equal(text, "\"all is well\"");
    sd_bus_message_unref(answer);
}

static void describe_answers_when_it_cannot(void **state)
{
    described = "\xff";
    expect_error(*state, "Describe", SD_BUS_ERROR_INVALID_ARGS, NULL);
    described = NULL;
    expect_error(*state, "Describe", SD_BUS_ERROR_NO_MEMORY, NULL);
}

static void reload_answers(void **state)
{
    reload_errors = NULL;
    sd_bus_message *answer = call(*state, "Reload");
    assert_null(sd_bus_message_get_error(answer));
    sd_bus_message_unref(answer);

    reload_errors = "a.yaml:1:1: no\nb.yaml:2:2: na\xc3\xafve";
    expect_error(*state, "Reload", PAGEWARDEN_BUS_NAME ".Error.BadPolicy", reload_errors);
    /* A policy's name is a file's name. */
    reload_errors = "\xff\xfe.yaml:1:1: no\xef\xbf\xbe";
    expect_error(*state, "Reload", PAGEWARDEN_BUS_NAME ".Error.BadPolicy",
                 "\\xff\\xfe.yaml:1:1: no\\xef\\xbf\\xbe");

    reload_result = -ENOMEM;
    expect_error(*state, "Reload", SD_BUS_ERROR_NO_MEMORY, NULL);
    reload_result = 0;
}

/* Whoever waited for the start can call: it is over when the name is there, or cannot be had. */
static void the_start_ends_with_the_name(void **state)
{
    Peers *peers = *state;
    sd_bus_message *answer = NULL;

    n_ready = 0;
    sd_bus_message *request = NULL;
    assert_true(sd_bus_message_new_method_call(peers->client, &request, NULL, "/", NULL,
                                               "RequestName") >= 0);
    assert_true(sd_bus_message_seal(request, 1, 0) >= 0);
    assert_true(sd_bus_message_new_method_return(request, &answer) >= 0);
    assert_int_equal(n_ready, 0);
    assert_int_equal(named(answer, named_userdata, NULL), 0);
    assert_int_equal(n_ready, 1);
    sd_bus_message_unref(request);
    sd_bus_message_unref(answer);
}

/* Behind the last file of the page before, until a page is empty. */
static void pins_are_listed_page_by_page(void **state)
{
    Peers *peers = *state;
    uint64_t dev = 0, ino = 0, since, length, locked, sum = 0;
    size_t n = 0, before;

    for (uint64_t i = 0; i < sizeof(pinned) / sizeof(pinned[0]); i++)
        pinned[i] = (PinHeld){
            .dev = 1 + i / 700, .ino = 1 + i % 700, .since = i + 9, .length = i, .locked = 7
        };
    do {
        sd_bus_message *answer = NULL;
        before = n;
        assert_true(sd_bus_call_method_async(peers->client, NULL, NULL, PAGEWARDEN_OBJECT_PATH,
                                             PAGEWARDEN_INTERFACE, "ListPins", on_answer, &answer,
                                             "stt", "shop.service", dev, ino) >= 0);
        for (unsigned i = 0; i < 10000 && !answer; i++) {
            assert_true(sd_bus_process(peers->server, NULL) >= 0);
            assert_true(sd_bus_process(peers->client, NULL) >= 0);
        }
        assert_non_null(answer);
        assert_true(sd_bus_message_enter_container(answer, 'a', "(ttttt)") >= 0);
        while (sd_bus_message_read(answer, "(ttttt)", &dev, &ino, &since, &length, &locked) > 0) {
            assert_int_equal(since, n + 9);
            assert_int_equal(length, n);
            assert_int_equal(locked, 7);
            n++;
        }
        sd_bus_message_unref(answer);
        sum++;
    } while (n > before);
    assert_int_equal(n, sizeof(pinned) / sizeof(pinned[0]));
    assert_int_equal(sum, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(describe_tells, set_up, tear_down),
        cmocka_unit_test_setup_teardown(describe_answers_when_it_cannot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reload_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pins_are_listed_page_by_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_start_ends_with_the_name, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
