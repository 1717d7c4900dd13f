/* SPDX-License-Identifier: MIT */
/* How long it takes to find the policy of each of 10,000 units among 200 policies:
 * policy_set_match() beside the plain loop that asks fnmatch(3) about each glob, in turns, so that
 * a busy machine slows both. The loop knows how specific each glob is beforehand, and has the C
 * locale, where fnmatch(3) is at its fastest. Fails if the two disagree about a unit; says how fast
 * they are, and judges nothing. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/set.h"
#include "util/cleanup.h"
#include "util/pattern.h"
#include "util/strv.h"

#define N_UNITS    10000
#define N_POLICIES 200
#define ROUNDS_MAX 101

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

#define must_print(ret, ...)                  \
    do {                                      \
        if (asprintf((ret), __VA_ARGS__) < 0) \
            abort();                          \
    } while (0)

/* Units ---------------------------------------------------------------------------------------- */

static const char *const programs[] = {
    "nginx",      "apache2",        "postgresql",    "mariadb",    "redis-server",
    "memcached",  "haproxy",        "varnish",       "rabbitmq",   "elasticsearch",
    "kafka",      "zookeeper",      "etcd",          "consul",     "vault",
    "prometheus", "grafana-server", "node-exporter", "loki",       "telegraf",
    "influxdb",   "cron",           "ssh",           "rsyslog",    "dbus",
    "polkit",     "chrony",         "unbound",       "dovecot",    "postfix",
    "openvpn",    "wg-quick",       "docker",        "containerd", "kubelet",
    "libvirtd",   "minio",          "ceph-osd",      "glusterd",   "smbd",
    "getty",      "borgbackup",
};

/* The same ones in each run: xorshift64. */
static uint64_t next_random(void)
{
    static uint64_t x = UINT64_C(0x9e3779b97f4a7c15);

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

static void print_hex(char *out, size_t n)
{
    while (n-- > 0)
        *out++ = "0123456789abcdef"[next_random() % 16];
    *out = '\0';
}

/* A host of containers, sessions and timers, with some services of old. */
static char *make_unit(size_t i)
{
    const char *program = programs[i / 20 % ELEMENTS(programs)];
    char hex[65];
    char *unit;

    switch (i % 20) {
    case 0:
        must_print(&unit, "%s.service", program);
        break;
    case 1:
        must_print(&unit, "%s@%zu-main.service", program, i % 17);
        break;
    case 2:
        must_print(&unit, "user@%zu.service", 1000 + i % 500);
        break;
    case 3:
        must_print(&unit, "system-%s.slice", program);
        break;
    case 4:
    case 5:
        must_print(&unit, "session-%zu.scope", i);
        break;
    case 6:
        must_print(&unit, "%s-backup.service", program);
        break;
    case 7:
    case 8:
        print_hex(hex, 8);
        must_print(&unit, "kubepods-burstable-pod%s.slice", hex);
        break;
    case 9:
    case 10:
    case 11:
        print_hex(hex, 32);
        must_print(&unit, "run-r%s.service", hex);
        break;
    default:
        print_hex(hex, 64);
        must_print(&unit, "cri-containerd-%s.scope", hex);
        break;
    }
    return unit;
}

/* Policies ------------------------------------------------------------------------------------- */

/* Of each five: two name a service, one a template, two are globs. */
static void add_globs(char ***globs, size_t i)
{
    static const struct {
        const char *before;
        const char *behind;
    } shapes[] = {
        { "", "*.service" },       { "*-", ".service" },
        { "session-*", ".scope" }, { "cri-containerd-", "*.scope" },
        { "run-r?", "*.service" }, { "[a-m]*", "*.service" },
        { "user@*", ".service" },  { "kubepods-*-pod", "*.slice" },
    };
    const char *program = programs[i / 5 % ELEMENTS(programs)];
    size_t shape = i / 5 % ELEMENTS(shapes);
    CLEANUP_FREE char *a = NULL, *b = NULL;
    char hex[8];

    switch (i % 5) {
    case 0:
    case 1:
        must_print(&a, "%s.service", program);
        must_print(&b, "%s-%zu.service", program, i);
        break;
    case 2:
        must_print(&a, "%s@*.service", program);
        must_print(&b, "system-%s.slice", program);
        break;
    default:
        snprintf(hex, sizeof hex, "%zx", i % 23);
        must_print(&a, "%s%s%s", shapes[shape].before, i % 5 == 3 ? program : hex,
                   shapes[shape].behind);
        must_print(&b, "%s@%zu-*.service", program, i % 17);
        break;
    }
    if (strv_append(globs, a) < 0 || strv_append(globs, b) < 0)
        abort();
}

static void make_set(PolicySet *set)
{
    for (size_t i = 0; i < N_POLICIES; i++) {
        Policy *policy = must(calloc(1, sizeof *policy));

        must_print(&policy->name, "policy-%03zu", i);
        add_globs(&policy->units, i);
        if (policy_set_add(set, policy) < 0)
            abort();
    }
}

/* Rounds --------------------------------------------------------------------------------------- */

typedef struct Bench {
    PolicySet set;
    char *units[N_UNITS];
    size_t specificity[N_POLICIES][2];
    const Policy *by_set[N_UNITS];
    const Policy *by_fnmatch[N_UNITS];
} Bench;

static void match_by_set(Bench *bench)
{
    for (size_t i = 0; i < N_UNITS; i++)
        bench->by_set[i] = policy_set_match(&bench->set, bench->units[i], NULL, NULL);
}

static const Policy *match_one_by_fnmatch(const Bench *bench, const char *unit)
{
    const Policy *best = NULL;
    size_t best_n = 0;

    for (size_t i = 0; i < N_POLICIES; i++)
        for (size_t j = 0; j < 2; j++) {
            size_t n = bench->specificity[i][j];

            if (fnmatch(bench->set.policies[i]->units[j], unit, FNM_PERIOD) != 0)
                continue;
            if (!best || n > best_n) {
                best = bench->set.policies[i];
                best_n = n;
            }
        }
    return best;
}

static void match_by_fnmatch(Bench *bench)
{
    for (size_t i = 0; i < N_UNITS; i++)
        bench->by_fnmatch[i] = match_one_by_fnmatch(bench, bench->units[i]);
}

/* CPU time, in seconds: what else runs on the machine does not count. */
static double time_of(void (*match)(Bench *bench), Bench *bench)
{
    struct timespec begin, end;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    match(bench);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return values[n / 2];
}

/* The number of units that both give to a policy, and to the same; -1: they disagree. */
static int check(const Bench *bench)
{
    int governed = 0;

    for (size_t i = 0; i < N_UNITS; i++) {
        const Policy *a = bench->by_set[i], *b = bench->by_fnmatch[i];

        if (a != b) {
            fprintf(stderr, "%s: %s by the set, %s by fnmatch\n", bench->units[i],
                    a ? a->name : "none", b ? b->name : "none");
            return -1;
        }
        governed += a != NULL;
    }
    return governed;
}

static int run(Bench *bench, size_t rounds)
{
    double by_set[ROUNDS_MAX], by_fnmatch[ROUNDS_MAX], ratio[ROUNDS_MAX];

    for (size_t i = 0; i < rounds; i++) {
        by_set[i] = time_of(match_by_set, bench);
        by_fnmatch[i] = time_of(match_by_fnmatch, bench);
        ratio[i] = by_set[i] / by_fnmatch[i];
    }
    int governed = check(bench);
    if (governed < 0)
        return -EINVAL;

    printf("%d units, %d of them governed, %d policies, %zu rounds, medians of CPU time\n", N_UNITS,
           governed, N_POLICIES, rounds);
    printf("policy_set_match  %8.1f ms\n", 1e3 * median(by_set, rounds));
    printf("fnmatch(3)        %8.1f ms\n", 1e3 * median(by_fnmatch, rounds));
    printf("ratio             %8.2f\n", median(ratio, rounds));
    return 0;
}

int main(int argc, char *argv[])
{
    CLEANUP_FREE Bench *bench = must(calloc(1, sizeof *bench));
    int rounds = argc > 1 ? atoi(argv[1]) : 11;

    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: %s [ROUNDS], up to %d\n", argv[0], ROUNDS_MAX);
        return 2;
    }
    make_set(&bench->set);
    for (size_t i = 0; i < N_POLICIES; i++)
        for (size_t j = 0; j < 2; j++) {
            const char *glob = bench->set.policies[i]->units[j];

            bench->specificity[i][j] = 2 * pattern_literal_length(glob) +
                                       (pattern_has_wildcard(glob) ? 0 : 1);
        }
    for (size_t i = 0; i < N_UNITS; i++)
        bench->units[i] = make_unit(i);

    int r = run(bench, (size_t)rounds);
    for (size_t i = 0; i < N_UNITS; i++)
        free(bench->units[i]);
    policy_set_clear(&bench->set);
    return r < 0;
}
