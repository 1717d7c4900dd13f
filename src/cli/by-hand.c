/* SPDX-License-Identifier: MIT */
#include "cli/by-hand.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "util/io.h"
#include "util/parse.h"

void by_hand_clear(ByHand *by_hand)
{
    free(by_hand->bound);
    *by_hand = (ByHand){ 0 };
}

static uint64_t number(struct json_object *object, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(object, name, &value) ? json_object_get_uint64(value) : 0;
}

static const char *text(struct json_object *object, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(object, name, &value) &&
                   json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : NULL;
}

static size_t length(struct json_object *object, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(object, name, &value) &&
                   json_object_is_type(value, json_type_array)
               ? json_object_array_length(value)
               : 0;
}

static int take(struct json_object *object, ByHand *ret)
{
    const char *bound = text(object, "bound"), *state = text(object, "state");
    char *copy = bound ? strdup(bound) : NULL;
    if (bound && !copy)
        return -ENOMEM;

    *ret = (ByHand){
        .known = true,
        /* Released: memory is short, and what is wanted comes when it is not. */
        .settled = state && (strcmp(state, "settled") == 0 || strcmp(state, "released") == 0),
        .waits = state && strcmp(state, "waiting") == 0,
        .files = number(object, "files"),
        .files_locked = number(object, "files_locked"),
        .wanted = number(object, "wanted"),
        .held = number(object, "held"),
        .locked = number(object, "locked"),
        .bound = copy,
        .n_problems = length(object, "problems"),
    };
    return 0;
}

static bool is_of(struct json_object *object, const char *unit)
{
    const char *its = text(object, "unit");

    return unit && its ? strcmp(unit, its) == 0 : !unit && !its;
}

int by_hand_read(ManagerBus *bus, const char *unit, ByHand *ret)
{
    cleanup(json_object_putp) struct json_object *status = NULL;
    CLEANUP_FREE char *answer = NULL, *error = NULL;
    struct json_object *all;

    by_hand_clear(ret);
    int r = manager_bus_call(bus, "Describe", &answer, &error);
    if (r < 0) {
        complain_lines(error);
        return r;
    }
    status = json_tokener_parse(answer);
    if (!json_object_is_type(status, json_type_object) ||
        !json_object_object_get_ex(status, "by_hand", &all) ||
        !json_object_is_type(all, json_type_array)) {
        complain("pagewardend tells of no pins by hand (is it older than this command?)");
        return -EPROTO;
    }
    for (size_t i = 0; i < json_object_array_length(all); i++)
        if (is_of(json_object_array_get_idx(all, i), unit))
            return take(json_object_array_get_idx(all, i), ret);
    return 0;
}

uint64_t login_user(void)
{
    char number_text[32];
    uint64_t user;

    ssize_t n = read_file_at(AT_FDCWD, "/proc/self/loginuid", number_text, sizeof(number_text));
    if (n > 0 && parse_u64(number_text, &user) >= 0 && user != UINT32_MAX)
        return user;
    return getuid();
}

bool unit_name_parse(const char *verb, const char *name, char **ret)
{
    char *unit;

    if (!*name || strchr(name, '/')) {
        complain("%s: --unit takes a unit's name: shop.service", verb);
        return false;
    }
    if (asprintf(&unit, "%s%s", name, strchr(name, '.') ? "" : ".service") < 0) {
        complain("out of memory");
        return false;
    }
    free(*ret);
    *ret = unit;
    return true;
}
