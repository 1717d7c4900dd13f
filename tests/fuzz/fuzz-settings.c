/* SPDX-License-Identifier: MIT */
/* The decoder of the settings over any bytes, as one file or as a file and its drop-ins, on
 * machines of several sizes. */
#include <errno.h>

#include "fuzz/sources.h"
#include "policy/decode.h"
#include "util/cleanup.h"
#include "util/units.h"

typedef struct Decoded {
    int error;
    Diagnostics diagnostics;
    Settings settings;
} Decoded;

/* What a failure leaves as it was. */
static const Settings untouched = { .interval_usec = 1, .pin_budget = 2, .reserve = 3 };

static Decoded decode(const Source *sources, size_t n_sources, uint64_t ram)
{
    Decoded decoded = { .settings = untouched };

    decoded.error = settings_decode(sources, n_sources, ram, &decoded.diagnostics,
                                    &decoded.settings);
    return decoded;
}

static void clear(Decoded *decoded)
{
    diagnostics_clear(&decoded->diagnostics);
    settings_clear(&decoded->settings);
}

static bool same_settings(const Settings *a, const Settings *b)
{
    return a->interval_usec == b->interval_usec && a->pin_budget == b->pin_budget &&
           a->reserve == b->reserve && a->log_level == b->log_level &&
           same_text(a->metrics_file, b->metrics_file) &&
           a->refuse_network_filesystems == b->refuse_network_filesystems &&
           a->rotational_disks == b->rotational_disks;
}

static void check_same(const Decoded *a, const Decoded *b)
{
    must_hold(a->error == b->error && same_settings(&a->settings, &b->settings));
    check_same_diagnostics(&a->diagnostics, &b->diagnostics);
}

static void check_settings(const Settings *settings, uint64_t ram)
{
    must_hold(settings->interval_usec >= 200 * USEC_PER_MSEC);
    must_hold(settings->interval_usec <= 60 * USEC_PER_SEC);
    must_hold(settings->pin_budget <= ram && settings->reserve <= ram);
    must_hold(!settings->metrics_file || settings->metrics_file[0] == '/');
}

/* A drop-in that says what every file may say changes nothing, on either side. */
static void check_idle_drop_in(const Decoded *alone, const Source *source, uint64_t ram)
{
    static const char version[] = "version: 1\n";
    const Source sources[] = { *source, { SOURCE_PATH, version, sizeof version - 1 }, *source };

    Decoded behind = decode(sources, 2, ram), before = decode(sources + 1, 2, ram);
    check_same(alone, &behind);
    must_hold(before.error == 0 && same_settings(&before.settings, &alone->settings));
    clear(&behind);
    clear(&before);
}

static void check(const Source *sources, size_t n_sources, uint64_t ram)
{
    Decoded decoded = decode(sources, n_sources, ram), again = decode(sources, n_sources, ram);

    must_hold(decoded.error == 0 || decoded.error == -EBADMSG);
    must_hold((decoded.error == 0) == (decoded.diagnostics.n_of[SEVERITY_MISTAKE] == 0));
    check_diagnostics(&decoded.diagnostics, sources, n_sources);
    check_same(&decoded, &again);
    if (decoded.error == 0) {
        check_settings(&decoded.settings, ram);
        if (n_sources == 1)
            check_idle_drop_in(&decoded, sources, ram);
        check_shown(sources, n_sources);
    } else {
        must_hold(same_settings(&decoded.settings, &untouched));
    }
    clear(&decoded);
    clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t rams[] = { 0, 4096, 8 * GIB, UINT64_MAX };
    Source sources[SOURCES_MAX];

    size_t n_sources = split_sources(data, size, sources);
    for (size_t i = 0; i < ELEMENTS(rams); i++)
        check(sources, n_sources, rams[i]);
    return 0;
}
