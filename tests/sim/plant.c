/* SPDX-License-Identifier: MIT */
/* What of the kernel matters to the laws, and no more:
 *
 * Reclaim is a hand that passes over all pages. A page that was read since it came by is younger;
 * one that it passed AGES times without a read is taken, and so is one that was read only once.
 * With 8 passes the plant loses what was measured: see cache-washing in sim-plant.c.
 *
 * What it scans is what it takes, and what grew old and was read before it came to take it. That
 * pages grow old is not a scan: the kernel's own aging is not counted in pgscan either.
 *
 * Over memory.high a unit first reclaims its own pages, which costs processor time that PSI counts,
 * and is put to sleep for what it could not reclaim, by the kernel's square of the overage
 * (mem_cgroup_handle_over_high), up to 2 s for every 256 KiB that it charges.
 *
 * A page that was reclaimed is read again from the disk when it is next wanted. The wait is memory
 * pressure and I/O pressure; pages read for the first time wait for the disk only. */
#include "sim/plant.h"

#include <math.h>

#define PAGE        4096.0
#define SCAN_COST   0.25e-6 /* s a page: about 16 GiB/s */
#define OLD         (AGES * 3 / 4)
#define PASSES      (4 * AGES)
#define CHARGE      (256 * 1024.0) /* bytes between two looks at the limit */
#define SLEEP_LEAST 0.01           /* shorter ones are not slept */
#define SLEEP_MOST  2.0

Dice dice_new(uint64_t seed)
{
    return (Dice){ .x = seed * UINT64_C(0x9E3779B97F4A7C15) + 1 };
}

static double roll(Dice *dice)
{
    dice->x ^= dice->x >> 12;
    dice->x ^= dice->x << 25;
    dice->x ^= dice->x >> 27;
    return (double)(dice->x * UINT64_C(0x2545F4914F6CDD1D) >> 11) * 0x1p-53;
}

double dice_between(Dice *dice, double low, double high)
{
    return low + (high - low) * roll(dice);
}

double dice_spread(Dice *dice, double low, double high)
{
    return low * pow(high / low, roll(dice));
}

bool dice_chance(Dice *dice, double share)
{
    return roll(dice) < share;
}

void unit_init(Unit *unit, double kernel)
{
    *unit = (Unit){
        .kernel = kernel,
        .read_latency = 100e-6,
        .tasks = 1,
        .has_psi = true,
        .high = INFINITY,
    };
}

void pages_set(Pages *pages, double size, double rate, double resident, unsigned age)
{
    *pages = (Pages){ .size = size, .rate = rate, .leave = exp(-rate * STEP) };
    pages->age[age] = resident;
}

double pages_resident(const Pages *pages)
{
    double sum = 0;

    for (size_t k = 0; k <= AGES; k++)
        sum += pages->age[k];
    return sum;
}

double unit_file(const Unit *unit)
{
    double sum = unit->stream + unit->pinned;

    for (size_t i = 0; i < CLASSES; i++)
        sum += pages_resident(&unit->pages[i]);
    return sum;
}

double unit_fixed(const Unit *unit)
{
    return unit->anon + unit->kernel + unit->pinned;
}

double unit_use(const Unit *unit)
{
    return unit_file(unit) + pages_resident(&unit->pages[ANON]) + unit->anon + unit->kernel;
}

/* Of the pages of a class. */
static double takeable_of(const Unit *unit, size_t class)
{
    const Pages *pages = &unit->pages[class];

    return class == ANON ? fmin(pages->age[AGES], fmax(unit->swap - pages->shadow, 0))
                         : pages->age[AGES];
}

/* What the hand would take by a whole pass over the first @n_classes. */
static double takeable(const Unit *unit, size_t n_classes)
{
    double sum = unit->stream;

    for (size_t i = 0; i < n_classes; i++)
        sum += takeable_of(unit, i);
    return sum;
}

/* The hand passes over @part of all pages of the first @n_classes; returns what it took. */
static double pass(Unit *unit, size_t n_classes, double part)
{
    double taken = unit->stream * part, scanned = taken + unit->rotated * part;

    unit->stream -= taken;
    unit->rotated -= unit->rotated * part;
    for (size_t i = 0; i < n_classes; i++) {
        Pages *pages = &unit->pages[i];
        double gone = takeable_of(unit, i) * part;
        pages->age[AGES] -= gone;
        pages->shadow += gone;
        taken += gone;
        scanned += gone;
        for (size_t k = AGES; k-- > 0;) {
            double moved = pages->age[k] * part;
            pages->age[k] -= moved;
            pages->age[k + 1] += moved;
        }
    }
    unit->scanned += (scanned + taken * unit->in_vain) / PAGE;
    unit->taken += taken / PAGE;
    return taken;
}

/* From all of @units together, as much of each one's pages. */
static double reclaim(Unit *units, size_t n, size_t n_classes, double bytes)
{
    double taken = 0;

    for (unsigned i = 0; i < PASSES && bytes - taken > PAGE; i++) {
        double there = 0;
        for (size_t k = 0; k < n; k++)
            there += takeable(&units[k], n_classes);
        double part = there > 0 ? fmin((bytes - taken) / there, 0.5) : 0.5;
        for (size_t k = 0; k < n; k++)
            taken += pass(&units[k], n_classes, part);
    }
    return taken;
}

double unit_reclaim(Unit *unit, double bytes)
{
    return reclaim(unit, 1, CLASSES, bytes);
}

double unit_reclaim_all(Unit *unit, double bytes)
{
    return reclaim(unit, 1, CLASSES + 1, bytes);
}

/* @wait of all tasks together within a step: some of them wait, all of them wait. */
static double some_of(double wait)
{
    return STEP * (1 - exp(-wait / STEP));
}

static void stall(Unit *unit, double wait)
{
    double some = some_of(wait);

    unit->memory_some += some;
    unit->memory_full += STEP * pow(some / STEP, unit->tasks);
}

void unit_set_high(Unit *unit, double bytes)
{
    unit->high = bytes;
    double over = unit_use(unit) - bytes;
    if (over > 0)
        (void)unit_reclaim_all(unit, over);
}

/* Reads: from memory, which keeps a page young, and from the disk. Returns the pages that were
 * refaults, and all that were read. */
static double read_pages(Unit *unit, double *ret_read)
{
    double most = unit->tasks * STEP / unit->read_latency * PAGE, wanted = 0, refaults = 0;
    double wants[CLASSES + 1];

    for (size_t i = 0; i <= CLASSES; i++) {
        Pages *pages = &unit->pages[i];
        for (size_t k = 1; k <= AGES; k++) {
            double again = pages->age[k] * (1 - pages->leave);
            pages->age[k] -= again;
            pages->age[0] += again;
            if (k >= OLD)
                unit->rotated += again;
        }
        wants[i] = fmax(pages->size - pages_resident(pages), 0) * (1 - pages->leave);
        wanted += wants[i];
    }
    double share = wanted > most ? most / wanted : 1;
    for (size_t i = 0; i <= CLASSES && wanted > 0; i++) {
        Pages *pages = &unit->pages[i];
        double missing = pages->size - pages_resident(pages), got = wants[i] * share;
        double back = missing > 0 ? got * fmin(pages->shadow / missing, 1) : 0;
        pages->shadow -= back;
        pages->age[0] += back;          /* known, and in use again */
        pages->age[AGES] += got - back; /* may be read only once */
        refaults += back / PAGE;
        if (i == ANON)
            unit->refaults_anon += back / PAGE;
    }
    *ret_read = wanted * share / PAGE;
    return refaults;
}

/* What the unit no longer reads stays in memory until it is reclaimed, and nobody asks for it. */
static void over_high(Unit *unit, double stream, double anon)
{
    double over = unit_use(unit) + stream + anon - unit->high;

    unit->stream += stream;
    if (over <= 0) {
        unit->anon += anon;
        return;
    }
    double before = unit->scanned;
    over -= unit_reclaim_all(unit, over);
    stall(unit, (unit->scanned - before) * SCAN_COST);
    unit->faults_high += 1 + (stream + anon) / CHARGE;

    /* What it could not make room for it is allowed slowly. */
    double left = STEP, rest = anon;
    while (rest > 0 && left > 0) {
        double some = fmin(rest, CHARGE), excess = unit_use(unit) + some - unit->high;
        double sleep = 64 * pow(fmax(excess, 0) / unit->high, 2) * (some / CHARGE);
        sleep = sleep < SLEEP_LEAST ? 0 : fmin(sleep, SLEEP_MOST);
        if (sleep > left) { /* asleep for the whole of it; it gets a part */
            some *= left / sleep;
            sleep = left;
        }
        unit->anon += some;
        rest -= some;
        left -= sleep;
    }
    unit->memory_some += STEP - left;
    unit->memory_full += STEP - left;
}

static void smooth(Average *average, double total, double elapsed)
{
    double share = 100 * (total - average->before) / elapsed;

    average->avg10 += (share - average->avg10) * (1 - exp(-elapsed / 10));
    average->avg60 += (share - average->avg60) * (1 - exp(-elapsed / 60));
    average->before = total;
}

static void smooth_all(Unit *unit, double now)
{
    double elapsed = now - unit->psi_at;

    if (elapsed < 2)
        return;
    smooth(&unit->some, unit->memory_some, elapsed);
    smooth(&unit->full, unit->memory_full, elapsed);
    smooth(&unit->io, unit->io_some, elapsed);
    unit->psi_at = now;
}

static void unit_step(Unit *unit, double now)
{
    double read, refaults = read_pages(unit, &read);

    unit->refaults += refaults;
    stall(unit, refaults * unit->read_latency);
    unit->io_some += some_of((read + unit->stream_rate * STEP / (128 * 1024)) * unit->read_latency);
    double anon = fmin(fmax(unit->anon_want - unit->anon, 0), unit->anon_rate * STEP);
    unit->anon = fmin(unit->anon, unit->anon_want);
    over_high(unit, unit->stream_rate * STEP, anon);
    smooth_all(unit, now);
}

void host_step(Host *host)
{
    double use = 0;

    host->now += STEP;
    for (size_t i = 0; i < host->n_units; i++) {
        unit_step(&host->units[i], host->now);
        use += unit_use(&host->units[i]);
    }
    if (use > host->size)
        (void)reclaim(host->units, host->n_units, CLASSES + 1, use - host->size);
}

void host_limit(Unit *units, size_t n, double size)
{
    double use = 0;

    for (size_t i = 0; i < n; i++)
        use += unit_use(&units[i]);
    if (use > size)
        (void)reclaim(units, n, CLASSES + 1, use - size);
}

static uint64_t usec(double seconds)
{
    return (uint64_t)(seconds * 1e6);
}

static double inactive(const Pages *pages)
{
    double sum = 0;

    for (size_t k = AGES / 2; k <= AGES; k++)
        sum += pages->age[k];
    return sum;
}

Sample unit_sample(const Unit *unit, double now)
{
    const Pages *swappable = &unit->pages[ANON];
    double old = unit->stream, file = unit_file(unit);

    for (size_t i = 0; i < CLASSES; i++)
        old += inactive(&unit->pages[i]);
    return (Sample){
        .at_usec = USEC_PER_SEC + usec(now),
        .page = 4096,
        .current = (uint64_t)unit_use(unit),
        .min = (uint64_t)unit->min,
        .high = isinf(unit->high) ? LIMIT_NONE : (uint64_t)unit->high,
        .max = LIMIT_NONE,
        .swap_current = (uint64_t)swappable->shadow,
        .swap_max = unit->swap > 0 ? LIMIT_NONE : 0,
        .anon = (uint64_t)(unit->anon + pages_resident(swappable)),
        .inactive_anon = (uint64_t)inactive(swappable),
        .file = (uint64_t)file,
        .active_file = (uint64_t)fmax(file - unit->pinned - old, 0),
        .inactive_file = (uint64_t)old,
        .unevictable = (uint64_t)unit->pinned,
        .kernel = (uint64_t)unit->kernel,
        .pgscan = (uint64_t)unit->scanned,
        .pgsteal = (uint64_t)unit->taken,
        .refault_anon = (uint64_t)unit->refaults_anon,
        .refault_file = (uint64_t)(unit->refaults - unit->refaults_anon),
        .events_high = (uint64_t)unit->faults_high,
        .memory_psi = { .valid = unit->has_psi,
                        .some_usec = usec(unit->memory_some),
                        .full_usec = usec(unit->memory_full),
                        .some_avg10 = unit->some.avg10 },
        .io_psi = { .valid = unit->has_psi, .some_usec = usec(unit->io_some) },
    };
}
