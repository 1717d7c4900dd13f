/* SPDX-License-Identifier: MIT */
/* The policy decoder over any bytes, as one file or as a file and its drop-ins, on machines of
 * several sizes. */
#include <errno.h>

#include "fuzz/policy.h"
#include "fuzz/sources.h"
#include "policy/decode.h"
#include "policy/set.h"
#include "util/units.h"

typedef struct Decoded {
    int error;
    Diagnostics diagnostics;
    Policy *policy;
} Decoded;

static Decoded decode(const Source *sources, size_t n_sources, uint64_t ram)
{
    Decoded decoded = { 0 };

    decoded.error = policy_decode("p", sources, n_sources, ram, &decoded.diagnostics,
                                  &decoded.policy);
    return decoded;
}

static void clear(Decoded *decoded)
{
    diagnostics_clear(&decoded->diagnostics);
    decoded->policy = policy_free(decoded->policy);
}

static void match(Policy *policy)
{
    PolicySet set = { 0 };

    must_hold(policy_set_add(&set, policy) == 0);
    must_hold(policy_set_find(&set, "p") == policy);
    (void)policy_set_match(&set, "nginx.service", "/system.slice/nginx.service", NULL);
    policy_set_clear(&set);
}

static void check_same(const Decoded *a, const Decoded *b)
{
    must_hold(a->error == b->error);
    check_same_diagnostics(&a->diagnostics, &b->diagnostics);
    if (a->policy)
        check_same_policy(a->policy, b->policy);
}

/* A drop-in that says what every policy says changes nothing, nor what is said of it. */
static void check_idle_drop_in(const Decoded *alone, const Source *source, uint64_t ram)
{
    static const char version[] = "version: 1\n";
    const Source sources[] = { *source, { SOURCE_PATH, version, sizeof version - 1 } };

    Decoded decoded = decode(sources, 2, ram);
    check_same(alone, &decoded);
    clear(&decoded);
}

static void check(const Source *sources, size_t n_sources, uint64_t ram)
{
    Decoded decoded = decode(sources, n_sources, ram), again = decode(sources, n_sources, ram);
    const size_t *n_of = decoded.diagnostics.n_of;

    must_hold(decoded.error == 0 || decoded.error == -EBADMSG);
    must_hold((decoded.error == 0) == (decoded.policy != NULL));
    must_hold((decoded.error == 0) == (n_of[SEVERITY_MISTAKE] == 0));
    check_diagnostics(&decoded.diagnostics, sources, n_sources);
    check_same(&decoded, &again);
    if (decoded.policy) {
        check_policy(decoded.policy, n_sources, n_of[SEVERITY_WARNING] > 0, ram);
        if (n_sources == 1)
            check_idle_drop_in(&decoded, sources, ram);
        check_shown(sources, n_sources);
        match(TAKE_PTR(again.policy));
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
