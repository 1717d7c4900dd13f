/* SPDX-License-Identifier: MIT */
#pragma once

/* What is found in an image, as text. */

#include "config/find.h"
#include "unit/config/told.h"

#define ETC   "etc/pagewarden/"
#define RUN   "run/pagewarden/"
#define LOCAL "usr/local/lib/pagewarden/"
#define LIB   "usr/lib/pagewarden/"

static inline ConfigPlaces image(const Scratch *root)
{
    return (ConfigPlaces){ .root = root->path };
}

/* What is found and, of what is in force, can be read. */
static inline void expect_in(const ConfigPlaces *places, const Scratch *root, const char *expected)
{
    cleanup(config_root_close) ConfigRoot opened;
    cleanup(config_entry_clear) ConfigEntry folders = { 0 };
    cleanup(config_entries_clear) ConfigEntries found;

    assert_int_equal(config_root_open(places, &opened), 0);
    assert_int_equal(config_find_policies(&opened, &folders, &found), 0);
    for (size_t i = 0; i < found.n_entries; i++)
        if (found.entries[i].state == CONFIG_IN_FORCE)
            assert_int_equal(config_entry_read(&found.entries[i], &opened), 0);
    expect_told(root, &folders, found.entries, found.n_entries, expected);
}

static inline void expect(const Scratch *root, const char *expected)
{
    const ConfigPlaces places = image(root);

    expect_in(&places, root, expected);
}

static inline void put_link(const Scratch *root, const char *path, const char *target)
{
    scratch_folders(root, path);
    must(symlinkat(target, root->fd, path));
}

static inline void expect_settings(const Scratch *root, const char *expected)
{
    const ConfigPlaces places = image(root);
    cleanup(config_root_close) ConfigRoot opened;
    cleanup(config_entry_clear) ConfigEntry folders = { 0 };
    cleanup(config_entry_clear) ConfigEntry entry;

    assert_int_equal(config_root_open(&places, &opened), 0);
    assert_int_equal(config_find_settings(&opened, &folders, &entry), 0);
    if (entry.state == CONFIG_IN_FORCE)
        assert_in_range(config_entry_read(&entry, &opened), 0, 1);
    expect_told(root, &folders, &entry, 1, expected);
}
