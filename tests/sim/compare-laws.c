/* SPDX-License-Identifier: MIT */
/* All laws on the same plants: `compare-laws table` writes what docs/control-laws.md shows,
 * `compare-laws picture` one run of each as SVG. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/laws.h"
#include "sim/scenario.h"
#include "util/cleanup.h"

#define MB       1048576.0
#define PLANTS   1000
#define PICTURED 1 /* the first one, whatever it looks like */

static const Law *const laws[] = { &law_ours,         &law_senpai, &law_oomd,
                                   &law_oomd_reclaim, &law_static, &law_none };

static const LimitConfig config = {
    .mode = LIMIT_TRACK,
    .max = LIMIT_NONE,
    .pressure = LIMIT_PRESSURE_DEFAULT,
};

typedef struct Figures {
    double stalled, worst; /* shares of the time */
    double use;            /* of the working set, in the mean over the time */
    double turns;          /* a minute */
    double starved;        /* share of the time with memory.high under what cannot be reclaimed */
    double converged;      /* share of the steady plants, after a minute */
} Figures;

typedef struct Life {
    Scenario scenario;
    Unit unit;
    Host host;
    LawRun run;
    double high;
    int direction;
    unsigned turns;
} Life;

static void life_init(Life *life, const Law *law, uint64_t number, ScenarioKind kind)
{
    *life = (Life){ .scenario = scenario_new(number, kind), .high = INFINITY };
    life->unit = life->scenario.unit;
    life->host = (Host){ .size = INFINITY, .units = &life->unit, .n_units = 1 };
    life->run = law_run_new(law, &config);
}

static void life_step(Life *life)
{
    LimitDecision decision;

    scenario_step(&life->scenario, &life->unit, life->host.now);
    if (!law_run_step(&life->run, &life->host, &decision))
        return;
    int direction = (life->unit.high > life->high) - (life->unit.high < life->high);
    life->turns += direction * life->direction < 0;
    if (direction != 0)
        life->direction = direction;
    life->high = life->unit.high;
}

static Figures measure(const Law *law)
{
    Figures sum = { 0 };
    double seconds = 0, steps = 0;

    for (uint64_t number = 1; number <= PLANTS; number++) {
        Life life;

        life_init(&life, law, number, LIVELY);
        while (life.host.now < scenario_seconds(&life.scenario)) {
            life_step(&life);
            sum.use += unit_use(&life.unit) / scenario_working_set(&life.unit);
            sum.starved += life.unit.high < unit_fixed(&life.unit);
            steps++;
        }
        sum.stalled += life.unit.memory_some;
        sum.worst = fmax(sum.worst, life.unit.memory_some / life.host.now);
        sum.turns += life.turns;
        seconds += life.host.now;

        life_init(&life, law, number, STEADY);
        while (life.host.now < 60)
            life_step(&life);
        sum.converged += scenario_has_converged(&life.unit);
    }
    sum.stalled /= seconds;
    sum.use /= steps;
    sum.starved /= steps;
    sum.turns /= seconds / 60;
    sum.converged /= PLANTS;
    return sum;
}

static void table(void)
{
    printf("| law | memory in use, of the working set | stalled | worst plant | "
           "limit below what cannot be reclaimed | turns a minute | at a steady working set "
           "after 60 s |\n|-|-|-|-|-|-|-|\n");
    for (size_t i = 0; i < ELEMENTS(laws); i++) {
        Figures f = measure(laws[i]);
        printf("| %s | %.2f × | %.2f %% | %.1f %% | %.2f %% of the time | %.2f | %.1f %% |\n",
               laws[i]->name, f.use, 100 * f.stalled, 100 * f.worst, 100 * f.starved, f.turns,
               100 * f.converged);
    }
}

/* The picture */

#define WIDTH  900.0
#define HEIGHT 130.0
#define LEFT   60.0
#define STEPS  3600

typedef struct Series {
    double use[STEPS], need[STEPS], high[STEPS];
    double stalled;
    size_t n;
} Series;

static void line(const double *values, size_t n, double top, double most, const char *style)
{
    printf("<polyline fill=\"none\" %s points=\"", style);
    for (size_t i = 0; i < n; i += 10)
        printf("%.1f,%.1f ", LEFT + (WIDTH - LEFT - 10) * (double)i / (double)n,
               top + HEIGHT - HEIGHT * fmin(values[i], most) / most);
    printf("\"/>\n");
}

static void panel(const Law *law, double top, double most)
{
    static Series series;
    Life life;

    series.n = 0;
    life_init(&life, law, PICTURED, LIVELY);
    while (life.host.now < scenario_seconds(&life.scenario) && series.n < STEPS) {
        life_step(&life);
        series.use[series.n] = unit_use(&life.unit);
        series.need[series.n] = scenario_working_set(&life.unit);
        series.high[series.n++] = life.unit.high;
    }
    printf("<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" fill=\"#f6f6f6\"/>\n", LEFT,
           top, WIDTH - LEFT - 10, HEIGHT);
    printf("<text x=\"%.0f\" y=\"%.0f\">%s: stalled for %.2f s</text>\n", LEFT, top - 6, law->name,
           life.unit.memory_some);
    printf("<text x=\"2\" y=\"%.0f\">%.1f GiB</text><text x=\"2\" y=\"%.0f\">0</text>\n", top + 10,
           most / MB / 1024, top + HEIGHT);
    line(series.need, series.n, top, most, "stroke=\"#999\" stroke-width=\"4\"");
    line(series.high, series.n, top, most, "stroke=\"#c00\" stroke-dasharray=\"5 3\"");
    line(series.use, series.n, top, most, "stroke=\"#06c\" stroke-width=\"1.5\"");
}

static void picture(void)
{
    Scenario scenario = scenario_new(PICTURED, LIVELY);
    double most = 1.2 * unit_use(&scenario.unit), top = 50;

    printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
           "font-family=\"sans-serif\" font-size=\"12\">\n",
           WIDTH, top + (HEIGHT + 35) * ELEMENTS(laws));
    printf("<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
           "<text x=\"%.0f\" y=\"18\">180 s of one plant: <tspan fill=\"#999\">what is in "
           "use</tspan>, <tspan fill=\"#06c\">memory.current</tspan>, <tspan "
           "fill=\"#c00\">memory.high</tspan></text>\n",
           LEFT);
    for (size_t i = 0; i < ELEMENTS(laws); i++, top += HEIGHT + 35)
        panel(laws[i], top, most);
    printf("</svg>\n");
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "table") == 0) {
        table();
    } else if (argc == 2 && strcmp(argv[1], "picture") == 0) {
        picture();
    } else {
        fprintf(stderr, "compare-laws table|picture\n");
        return 2;
    }
    return 0;
}
