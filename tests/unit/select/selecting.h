/* SPDX-License-Identifier: MIT */
#pragma once

#include "select/pin_files.h"
#include "unit/kernel/scratch.h"
#include "unit/select/pin-rule.h"

/* A folder, the rules that are asked what they mean there, and what was passed over. */
typedef struct Selecting {
    Scratch root;
    PinRule *rules;
    size_t n_rules;
    PinOrder order;
    char passed_over[4096]; /* "PATH why" a line */
} Selecting;

static inline Selecting selecting_new(void)
{
    return (Selecting){ .root = scratch_new("/tmp") };
}

static inline void selecting_done(Selecting *s)
{
    scratch_done(&s->root);
    pin_rules_free(s->rules, s->n_rules);
}

#define CLEANUP_SELECTING cleanup(selecting_done)

static inline PinRule *add_rule(Selecting *s, const char *path)
{
    return add_pin_rule(&s->rules, &s->n_rules, path);
}

static inline void on_passed_over(const char *path, const char *why, void *userdata)
{
    Selecting *s = userdata;
    size_t n = strlen(s->passed_over);

    snprintf(s->passed_over + n, sizeof(s->passed_over) - n, "%s %s\n", path, why);
}

static inline SelectScope scope_of(Selecting *s)
{
    s->passed_over[0] = '\0';
    return (SelectScope){
        .root_fd = s->root.fd,
        .passed_over = on_passed_over,
        .userdata = s,
    };
}

/* "PATH wanted/size of RULE" a line. Of what no pin rule found all is wanted. */
static inline void expect_list(const Selecting *s, const SelectedFiles *list, const char *expected)
{
    char text[8192] = "";

    for (size_t i = 0; i < list->n_files; i++) {
        const SelectedFile *file = &list->files[i];
        uint64_t wanted = s->rules ? pin_part(&s->rules[file->rule], file->size).length
                                   : file->size;
        char path[SELECTED_PATH_MAX];
        size_t n = strlen(text);
        struct stat st;

        must(lstat(scratch_path(&s->root, selected_path(file, path) + 1), &st));
        assert_true(file->dev == st.st_dev && file->ino == st.st_ino);
        snprintf(text + n, sizeof(text) - n, "%s %ju/%ju of %u\n", path, (uintmax_t)wanted,
                 (uintmax_t)file->size, file->rule);
    }
    assert_string_equal(text, expected);
}
