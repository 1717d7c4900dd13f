/* SPDX-License-Identifier: MIT */
/* The watch with pinners that do at once what they are told, and with a clock of the test's; linked
 * with --wrap=now_usec, see meson.build. */
#include "daemon/shortage_watch.h"

#include "daemon/hand_away.h"

#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/io.h"

static uint64_t now;

uint64_t __wrap_now_usec(void);
uint64_t __wrap_now_usec(void)
{
    return now;
}

struct Pinner {
    ShortageHolding holding;
    uint64_t whole;
    bool busy;
};

static char events[512]; /* "a-5 ": 5 MiB of the first are let go; "a+ ": they may come back */
static Pinner pinners[4];

static char name_of(const Pinner *p)
{
    return (char)('a' + (p - pinners));
}

ShortageHolding pinner_holding(const Pinner *p, uint64_t *ret_pending)
{
    *ret_pending = 0;
    return p->holding;
}

uint64_t pinner_shed(Pinner *p, uint64_t bytes)
{
    uint64_t gone = min_u64(bytes, p->holding.locked);
    size_t n = strlen(events);

    snprintf(events + n, sizeof events - n, "%c-%ju ", name_of(p), (uintmax_t)(gone / MIB));
    p->holding.locked -= gone;
    p->holding.withheld = true;
    return gone;
}

void pinner_resume(Pinner *p)
{
    size_t n = strlen(events);

    snprintf(events + n, sizeof events - n, "%c+ ", name_of(p));
    p->holding.withheld = false;
    p->holding.locked = p->whole;
    p->busy = true;
}

bool pinner_is_busy(const Pinner *p)
{
    return p->busy;
}

/* Those by hand are "y" and "z"; Hand.mapped says how much one has as a whole. */
static char name_of_hand(const Hand *h)
{
    return h->unit ? 'y' : 'z';
}

ShortageHolding hand_holding(const Hand *h, uint64_t *ret_pending)
{
    *ret_pending = 0;
    return (ShortageHolding){ .locked = h->sum, .withheld = h->withheld };
}

uint64_t hand_shed(Hand *h, uint64_t bytes)
{
    uint64_t gone = min_u64(bytes, h->sum);
    size_t n = strlen(events);

    snprintf(events + n, sizeof events - n, "%c-%ju ", name_of_hand(h), (uintmax_t)(gone / MIB));
    h->sum -= gone;
    h->withheld = true;
    return gone;
}

void hand_resume(Hand *h)
{
    size_t n = strlen(events);

    snprintf(events + n, sizeof events - n, "%c+ ", name_of_hand(h));
    h->sum = h->mapped;
    h->withheld = false;
}

bool hand_is_busy(const Hand *h)
{
    return false;
}

typedef struct World {
    Scratch proc;
    Settings settings;
    Host host;
    Target all[ELEMENTS(pinners)], *targets[ELEMENTS(pinners)];
    size_t n;
    Policy policies[ELEMENTS(pinners)];
    Hand hand_of[2], *hand_list[2];
    Hands hands;
    ShortageWatch *watch;
    unsigned looks;
} World;

static void on_look(void *userdata)
{
    World *w = userdata;

    w->looks++;
    shortage_watch_look(w->watch, w->targets, w->n, &w->hands);
}

static void world_begin(World *w)
{
    *w = (World){ .proc = scratch_new("/tmp"), .settings = { .reserve = 100 * MIB } };
    w->host = (Host){ .proc_fd = w->proc.fd, .settings = &w->settings };
    must(sd_event_new(&w->host.event));
    assert_int_equal(shortage_watch_new(&w->host, on_look, w, &w->watch), 0);
    now = 1000 * USEC_PER_SEC;
    events[0] = log_text[0] = '\0';
}

static void world_end(World *w)
{
    shortage_watch_free(w->watch);
    sd_event_unref(w->host.event);
    scratch_done(&w->proc);
}

#define WORLD(name)                        \
    cleanup(world_end) World name = { 0 }; \
    world_begin(&(name))

static void add(World *w, ShortageRank rank, unsigned mib, bool keep)
{
    pinners[w->n] = (Pinner){
        .holding = { .rank = rank, .locked = mib * MIB, .keep = keep },
        .whole = mib * MIB,
    };
    w->all[w->n] = (Target){
        .unit = (char *)"other.service",
        .policy = &w->policies[w->n],
        .pinner = &pinners[w->n],
    };
    w->targets[w->n] = &w->all[w->n];
    w->n++;
}

static void add_by_hand(World *w, char *unit, unsigned mib)
{
    Hand *h = &w->hand_of[w->hands.n_hands];

    *h = (Hand){ .unit = unit, .sum = mib * MIB, .mapped = mib * MIB };
    w->hand_list[w->hands.n_hands++] = h;
    w->hands.hands = w->hand_list;
}

/* At a host of 1000 MiB of which @available are, @seconds later. */
static void look_at(World *w, unsigned seconds, unsigned available)
{
    char text[128];

    snprintf(text, sizeof text, "MemTotal: %u kB\nMemFree: 1 kB\nMemAvailable: %u kB\n",
             1000U * 1024, available * 1024);
    scratch_put(&w->proc, "meminfo", text);
    now += seconds * USEC_PER_SEC;
    shortage_watch_look(w->watch, w->targets, w->n, &w->hands);
}

static void expect_events(const char *expected)
{
    assert_string_equal(events, expected);
    events[0] = '\0';
}

/* 75 MiB are the goal. */
static void who_gives_and_who_gets_back(void **state)
{
    WORLD(w);

    add(&w, SHORTAGE_CRITICAL, 50, false);
    add(&w, SHORTAGE_NORMAL, 30, false);
    add(&w, SHORTAGE_BACKGROUND, 20, true);
    add(&w, SHORTAGE_BACKGROUND, 10, false);
    look_at(&w, 1, 500);
    expect_events("");
    look_at(&w, 60, 40);
    expect_events("d-10 b-25 ");
    expect_log(
        "warning: The host runs out of memory (next to nothing is available): 40M available. "
        "Pins are let go as far as that helps, and their policies allow it\n");
    look_at(&w, 1, 20);
    expect_events("b-5 a-50 ");
    look_at(&w, 1, 20);
    expect_events("");
    expect_log("");
    assert_int_equal(shortage_watch_again(w.watch), 0);

    look_at(&w, 1, 900);
    assert_int_equal(shortage_watch_again(w.watch), 30 * USEC_PER_SEC);
    look_at(&w, 20, 900);
    assert_int_equal(shortage_watch_again(w.watch), 10 * USEC_PER_SEC);
    expect_events("");
    look_at(&w, 10, 900);
    expect_events("a+ ");
    expect_log("notice: The host has had enough memory for 30 s: 900M available\n");
    /* The next one when that has what it can have. */
    look_at(&w, 1, 800);
    expect_events("");
    pinners[0].busy = false;
    look_at(&w, 1, 800);
    expect_events("b+ ");
    pinners[1].busy = false;
    look_at(&w, 1, 800);
    expect_events("d+ ");
    pinners[3].busy = false;
    look_at(&w, 1, 800);
    expect_events("");
}

/* Nobody asks a host that nobody burdens: there is no meminfo here. */
static void nothing_pinned_nothing_asked(void **state)
{
    WORLD(w);

    add(&w, SHORTAGE_NORMAL, 0, false);
    w.all[1] = (Target){ 0 };
    w.targets[1] = &w.all[1];
    w.n = 2;
    shortage_watch_look(w.watch, w.targets, w.n, &w.hands);
    look_at(&w, 1, 1);
    expect_events("");
    expect_log("");
}

static void a_host_that_cannot_be_read(void **state)
{
    WORLD(w);

    add(&w, SHORTAGE_NORMAL, 10, false);
    shortage_watch_look(w.watch, w.targets, w.n, &w.hands);
    expect_events("");
}

/* By its own timer, a second after the last look; sooner where little is to spare. */
static void by_a_timer(void **state)
{
    WORLD(w);
    static const unsigned available[] = { 900, 300 };
    uint64_t took[ELEMENTS(available)];

    add(&w, SHORTAGE_NORMAL, 10, false);
    for (size_t i = 0; i < ELEMENTS(available); i++) {
        uint64_t end, began;
        look_at(&w, 1, available[i]);
        w.looks = 0;
        must(sd_event_now(w.host.event, CLOCK_MONOTONIC, &began));
        while (w.looks == 0)
            must(sd_event_run(w.host.event, 5 * USEC_PER_SEC));
        must(sd_event_now(w.host.event, CLOCK_MONOTONIC, &end));
        assert_int_equal(w.looks, 1);
        took[i] = end - began;
    }
    assert_true(took[0] > 900 * USEC_PER_MSEC);
    assert_true(took[1] < took[0]);
}

/* Beside a critical unit that keeps its pins, and one in the background. */
static void pins_by_hand_go_too(void **state)
{
    static char unit[] = "shop.service";
    WORLD(w);

    add(&w, SHORTAGE_CRITICAL, 10, false);
    add(&w, SHORTAGE_BACKGROUND, 10, false);
    w.targets[0]->unit = unit;
    w.policies[0].role = ROLE_CRITICAL;
    add_by_hand(&w, unit, 10);
    add_by_hand(&w, NULL, 10);
    look_at(&w, 1, 40); /* 75 are the goal */
    expect_events("b-10 z-10 a-10 y-5 ");
    assert_false(w.hand_of[0].keeps);

    w.policies[0].on_shortage = PIN_SHORTAGE_KEEP;
    look_at(&w, 1, 30);
    expect_events("");
    assert_true(w.hand_of[0].keeps);
    assert_false(w.hand_of[1].keeps);
    look_at(&w, 1, 400);
    look_at(&w, 31, 400);
    expect_events("y+ "); /* the most of it stayed */
    look_at(&w, 1, 400);
    expect_events("a+ ");
    look_at(&w, 1, 400);
    expect_events("");
    pinners[0].busy = false;
    look_at(&w, 1, 400);
    expect_events("z+ ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_gives_and_who_gets_back),
        cmocka_unit_test(pins_by_hand_go_too),
        cmocka_unit_test(nothing_pinned_nothing_asked),
        cmocka_unit_test(a_host_that_cannot_be_read),
        cmocka_unit_test(by_a_timer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
