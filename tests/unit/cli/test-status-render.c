/* SPDX-License-Identifier: MIT */
/* What the daemon may answer (tests/data/status/NAME.json), and what people then see of it
 * (NAME.txt). PAGEWARDEN_UPDATE=1 in the environment writes the latter anew. */
#include "unit/test.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <locale.h>
#include <string.h>

#include "cli/status-render.h"
#include "cli/text.h"
#include "util/io.h"
#include "util/units.h"

static struct json_object *load(const char *name)
{
    CLEANUP_FREE char *path = NULL;
    struct json_object *object;

    assert_true(asprintf(&path, TEST_DATA "/status/%s.json", name) > 0);
    object = json_object_from_file(path);
    assert_non_null(object);
    return object;
}

static char *render(struct json_object *status, const OutputOptions *options)
{
    char *text = NULL;
    size_t size = 0;

    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(status_render(status, out, options), 0);
    fclose(out);
    return text;
}

static void check_table(const char *name, const OutputOptions *options)
{
    cleanup(json_object_putp) struct json_object *status = load(name);
    CLEANUP_FREE char *text = render(status, options);
    CLEANUP_FREE char *path = NULL, *expected = NULL;
    size_t size = 0;

    assert_true(asprintf(&path, TEST_DATA "/status/%s.txt", name) > 0);
    if (getenv("PAGEWARDEN_UPDATE")) {
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
    }
    assert_int_equal(read_file_alloc(AT_FDCWD, path, MIB, &expected, &size), 0);
    assert_string_equal(text, expected);
}

static void test_tables(void **state)
{
    static const char *const names[] = { "ordinary", "pinning", "trouble", "hostile",
                                         "none",     "idle",    "nothing" };
    const OutputOptions options = { .legend = true, .unicode = true };

    for (size_t i = 0; i < ELEMENTS(names); i++)
        check_table(names[i], &options);
}

/* Whatever the daemon says, a terminal is sent nothing that it obeys. */
static void test_no_control_characters(void **state)
{
    cleanup(json_object_putp) struct json_object *status = load("hostile");
    CLEANUP_FREE char *text = render(status, &(OutputOptions){ .legend = true });

    for (const char *p = text; *p; p++)
        assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
}

static void test_bytes_and_no_legend(void **state)
{
    cleanup(json_object_putp) struct json_object *status = load("ordinary");
    CLEANUP_FREE char *text = render(status, &(OutputOptions){ .bytes = true, .unicode = true });

    assert_null(strstr(text, "POLICY"));
    assert_non_null(strstr(text, "268435456/314572800"));
    assert_non_null(strstr(text, "1610612736"));
}

static void test_no_legend_and_nothing(void **state)
{
    cleanup(json_object_putp) struct json_object *status = load("idle");
    CLEANUP_FREE char *text = render(status, &(OutputOptions){ .unicode = true });

    assert_string_equal(text, "");
}

/* JSON comes out as it came in, members that we do not know included. */
static void test_json(void **state)
{
    cleanup(json_object_putp) struct json_object *status = load("trouble");
    json_object_object_add(status, "later", json_object_new_string("a/b"));
    CLEANUP_FREE char *line = render(status, &(OutputOptions){ .json = JSON_SHORT });
    CLEANUP_FREE char *pretty = render(status, &(OutputOptions){ .json = JSON_PRETTY });
    cleanup(json_object_putp) struct json_object *again = json_tokener_parse(line);
    cleanup(json_object_putp) struct json_object *pretty_again = json_tokener_parse(pretty);

    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    assert_non_null(strstr(line, "\"later\":\"a/b\""));
    assert_non_null(strstr(line, "18446744073709551615"));
    assert_true(strchr(pretty, '\n') < pretty + strlen(pretty) - 1);
    assert_true(json_object_equal(status, again));
    assert_true(json_object_equal(status, pretty_again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_no_control_characters),
        cmocka_unit_test(test_bytes_and_no_legend),
        cmocka_unit_test(test_no_legend_and_nothing),
        cmocka_unit_test(test_json),
    };

    /* Columns are as wide as characters, not as bytes. */
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
