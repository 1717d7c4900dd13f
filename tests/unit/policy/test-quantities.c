/* SPDX-License-Identifier: MIT */
/* Refusals of amounts, and of parts of files: each with its exact message and place. */
#include "unit/policy/decoding.h"

#define BUDGET(value) LEAST "pin: {files: [{path: /srv/x}], budget: " value "}\n"

static void sizes(void **state)
{
    static const Case cases[] = {
        { BUDGET("512MB"),
          "3:40: \"512MB\" is not a size: unknown unit \"MB\" (write 512M; K, M, G, T "
          "and % of RAM are known)\n" },
        { BUDGET("1GiB"),
          "3:40: \"1GiB\" is not a size: unknown unit \"GiB\" (write 1G; K, M, G, T "
          "and % of RAM are known)\n" },
        { BUDGET("512m"),
          "3:40: \"512m\" is not a size: unknown unit \"m\" (write 512M; K, M, G, T and "
          "% of RAM are known)\n" },
        { BUDGET("512 M"),
          "3:40: \"512 M\" is not a size: unknown unit \" M\" (write 512M; K, M, G, T "
          "and % of RAM are known)\n" },
        { BUDGET("4096B"),
          "3:40: \"4096B\" is not a size: unknown unit \"B\" (write 4096; K, M, G, T "
          "and % of RAM are known)\n" },
        { BUDGET("10 percent"),
          "3:40: \"10 percent\" is not a size: unknown unit \" percent\" (write "
          "10%; K, M, G, T and % of RAM are known)\n" },
        { BUDGET("5 megabits"), "3:40: \"5 megabits\" is not a size: unknown unit \" megabits\" "
                                "(K, M, G, T and % of RAM are known)\n" },
        { BUDGET("512X"), "3:40: \"512X\" is not a size: unknown unit \"X\" (K, M, G, T and % of "
                          "RAM are known)\n" },
        { BUDGET("1.5G"),
          "3:40: \"1.5G\" is not a size: fractions are not known (write whole numbers: "
          "1536M for 1.5G)\n" },
        { BUDGET("lots"),
          "3:40: \"lots\" is not a size (write 512M, 2G or 10%; K, M, G, T and % of RAM "
          "are known)\n" },
        { BUDGET("0x100"),
          "3:40: \"0x100\" is not a size: unknown unit \"x100\" (K, M, G, T and % of "
          "RAM are known)\n" },
        { BUDGET("-5M"), "3:40: \"-5M\" is negative (for example 512M)\n" },
        { BUDGET("0"),
          "3:40: \"budget\" must be more than 0, not \"0\" (for example budget: 512M)\n" },
        { BUDGET("0%"),
          "3:40: \"budget\" must be more than 0, not \"0%\" (for example budget: 512M)\n" },
        { BUDGET("101%"), "3:40: \"101%\" is more than all of RAM (at most 100%)\n" },
        { BUDGET("99999999999999999999"),
          "3:40: \"99999999999999999999\" is too large to be a size (for example 512M)\n" },
        { BUDGET("16777216T"),
          "3:40: \"16777216T\" is too large to be a size (for example 512M)\n" },
        { BUDGET("9G"),
          "3:40: \"9G\" is more than this machine's RAM, 8G (a share fits every machine: "
          "10%)\n" },
        { BUDGET("8589934593"), "3:40: \"8589934593\" is more than this machine's RAM, 8G (a share "
                                "fits every machine: 10%)\n" },
    };

    CHECK_REFUSED(cases);
}

/* No advice is better than another amount. */
static void other_sizes(void **state)
{
    static const Case cases[] = {
        { BUDGET("1PB"), "3:40: \"1PB\" is not a size: unknown unit \"PB\" (write 1P; K, M, G, T "
                         "and % of RAM are known)\n" },
        { BUDGET("1p"), "3:40: \"1p\" is not a size: unknown unit \"p\" (write 1P; K, M, G, T and "
                        "% of RAM are known)\n" },
        { BUDGET("5petabytes"), "3:40: \"5petabytes\" is not a size: unknown unit \"petabytes\" "
                                "(write 5P; K, M, G, T and % of RAM are known)\n" },
        { BUDGET("1EB"), "3:40: \"1EB\" is not a size: unknown unit \"EB\" (K, M, G, T and % of "
                         "RAM are known)\n" },
        { BUDGET("1E"),
          "3:40: \"1E\" is not a size: unknown unit \"E\" (K, M, G, T and % of RAM are known)\n" },
        { BUDGET("5exabytes"), "3:40: \"5exabytes\" is not a size: unknown unit \"exabytes\" (K, "
                               "M, G, T and % of RAM are known)\n" },
        { BUDGET("1M5"), "3:40: \"1M5\" is not a size: unknown unit \"M5\" (K, M, G, T and % of "
                         "RAM are known)\n" },
        { BUDGET("512kbytes"), "3:40: \"512kbytes\" is not a size: unknown unit \"kbytes\" (write "
                               "512K; K, M, G, T and % of RAM are known)\n" },
        { BUDGET("2gigabtyes"), "3:40: \"2gigabtyes\" is not a size: unknown unit \"gigabtyes\" "
                                "(write 2G; K, M, G, T and % of RAM are known)\n" },
        { BUDGET("8b"), "3:40: \"8b\" is not a size: unknown unit \"b\" (write 8; K, M, G, T and % "
                        "of RAM are known)\n" },
        { BUDGET("10 per"), "3:40: \"10 per\" is not a size: unknown unit \" per\" (write 10%; K, "
                            "M, G, T and % of RAM are known)\n" },
        { BUDGET("10 %"), "3:40: \"10 %\" is not a size: unknown unit \" %\" (write 10%; K, M, G, "
                          "T and % of RAM are known)\n" },
        { BUDGET("10% of RAM"),
          "3:40: \"10% of RAM\" is not a size: nothing stands behind the % (write 10%)\n" },
        { BUDGET("10 % of RAM"),
          "3:40: \"10 % of RAM\" is not a size: nothing stands behind the % (write 10%)\n" },
        { BUDGET("10%%"),
          "3:40: \"10%%\" is not a size: nothing stands behind the % (write 10%)\n" },
        { BUDGET("0.5%"),
          "3:40: \"0.5%\" is not a size: fractions are not known (write a whole number)\n" },
    };

    CHECK_REFUSED(cases);
}

#define EVERY(value) LEAST "evict: [{path: /srv/x, every: " value "}]\n"
#define IDLE(value)  LEAST "evict: [{path: /srv/x, idle: " value "}]\n"

static void durations(void **state)
{
    static const Case cases[] = {
        { EVERY("30"),
          "3:31: \"30\" is not a duration: its unit is missing (write 30s; ms, s, m, h and "
          "d are known)\n" },
        { EVERY("30sec"),
          "3:31: \"30sec\" is not a duration: unknown unit \"sec\" (write 30s; ms, s, "
          "m, h and d are known)\n" },
        { EVERY("5min"),
          "3:31: \"5min\" is not a duration: unknown unit \"min\" (write 5m; ms, s, m, "
          "h and d are known)\n" },
        { EVERY("2 Hours"),
          "3:31: \"2 Hours\" is not a duration: unknown unit \" Hours\" (write 2h; "
          "ms, s, m, h and d are known)\n" },
        { EVERY("9msec"),
          "3:31: \"9msec\" is not a duration: unknown unit \"msec\" (write 9ms; ms, s, "
          "m, h and d are known)\n" },
        { EVERY("1week"),
          "3:31: \"1week\" is not a duration: unknown unit \"week\" (ms, s, m, h and d "
          "are known)\n" },
        { EVERY("1.5h"), "3:31: \"1.5h\" is not a duration: fractions are not known (write whole "
                         "numbers: 90m for 1.5h)\n" },
        { EVERY("often"),
          "3:31: \"often\" is not a duration (write 30s, 10m or 1h; ms, s, m, h and d "
          "are known)\n" },
        { EVERY("-3s"), "3:31: \"-3s\" is negative (for example 30s)\n" },
        { EVERY("99999999999999d"),
          "3:31: \"99999999999999d\" is too large to be a duration (for example 30s)\n" },
        { EVERY("0s"), "3:31: \"0s\" is too short for \"every\" (at least 1s)\n" },
        { EVERY("999ms"), "3:31: \"999ms\" is too short for \"every\" (at least 1s)\n" },
        { EVERY("25h"), "3:31: \"25h\" is too long for \"every\" (at most 1d)\n" },
        { IDLE("0s"), "3:30: \"0s\" is too short for \"idle\" (at least 1s)\n" },
        { IDLE("31d"), "3:30: \"31d\" is too long for \"idle\" (at most 30d)\n" },
    };

    CHECK_REFUSED(cases);
}

static void other_durations(void **state)
{
    static const Case cases[] = {
        { EVERY("1m30s"), "3:31: \"1m30s\" is not a duration: one number and one unit are wanted "
                          "(write 90s; ms, s, m, h and d are known)\n" },
        { EVERY("1h 30m"), "3:31: \"1h 30m\" is not a duration: one number and one unit are wanted "
                           "(write 90m; ms, s, m, h and d are known)\n" },
        { EVERY("1s500ms"), "3:31: \"1s500ms\" is not a duration: one number and one unit are "
                            "wanted (write 1500ms; ms, s, m, h and d are known)\n" },
        { EVERY("1h30min"), "3:31: \"1h30min\" is not a duration: one number and one unit are "
                            "wanted (for example 30s; ms, s, m, h and d are known)\n" },
        { EVERY("1m30"), "3:31: \"1m30\" is not a duration: one number and one unit are wanted "
                         "(for example 30s; ms, s, m, h and d are known)\n" },
        { EVERY("1m 99999999999999d"),
          "3:31: \"1m 99999999999999d\" is not a duration: one number and one unit are wanted (for "
          "example 30s; ms, s, m, h and d are known)\n" },
        { EVERY("1m99999999999999999999999999999999s"),
          "3:31: \"1m99999999999999999999999999999999s\" is not a duration: one number and one "
          "unit are wanted (for example 30s; ms, s, m, h and d are known)\n" },
        { EVERY("500ns"), "3:31: \"500ns\" is not a duration: unknown unit \"ns\" (ms, s, m, h and "
                          "d are known)\n" },
        { EVERY("500nsecs"), "3:31: \"500nsecs\" is not a duration: unknown unit \"nsecs\" (ms, s, "
                             "m, h and d are known)\n" },
        { EVERY("5mseconds"), "3:31: \"5mseconds\" is not a duration: unknown unit \"mseconds\" "
                              "(ms, s, m, h and d are known)\n" },
        { EVERY("5miliseconds"), "3:31: \"5miliseconds\" is not a duration: unknown unit "
                                 "\"miliseconds\" (write 5ms; ms, s, m, h and d are known)\n" },
        { EVERY("5mon"), "3:31: \"5mon\" is not a duration: unknown unit \"mon\" (ms, s, m, h and "
                         "d are known)\n" },
        { EVERY("5mills"), "3:31: \"5mills\" is not a duration: unknown unit \"mills\" (ms, s, m, "
                           "h and d are known)\n" },
        { EVERY("5secnods"), "3:31: \"5secnods\" is not a duration: unknown unit \"secnods\" "
                             "(write 5s; ms, s, m, h and d are known)\n" },
        { EVERY("5x"),
          "3:31: \"5x\" is not a duration: unknown unit \"x\" (ms, s, m, h and d are known)\n" },
    };

    CHECK_REFUSED(cases);
}

#define MAX_SIZE(value) LEAST "pin: {budget: 1M, files: [{path: /srv/x, max_size: " value "}]}\n"

static void lengths(void **state)
{
    static const Case cases[] = {
        { MAX_SIZE("\"\""), "3:52: \"max_size\" is empty (for example max_size: 64M)\n" },
        { MAX_SIZE("64MB"), "3:52: \"64MB\" is not a size: unknown unit \"MB\" (write 64M; K, M, "
                            "G, T and % of RAM are known)\n" },
        { MAX_SIZE("0"),
          "3:52: \"max_size\" must be more than 0, not \"0\" (for example max_size: 64M)\n" },
        { MAX_SIZE("1.5G"), "3:52: \"1.5G\" is not a size: fractions are not known (write whole "
                            "numbers: 1536M for 1.5G)\n" },
        { MAX_SIZE("-1"), "3:52: \"-1\" is negative (for example 512M)\n" },
        { MAX_SIZE("101%"), "3:52: \"101%\" is more than all of RAM (at most 100%)\n" },
        { MAX_SIZE("0.5%"), "3:52: \"0.5%\" is not a size: fractions are not known (write a whole "
                            "number)\n" },
        { MAX_SIZE("big"), "3:52: \"big\" is not a size (write 512M, 2G or 10%; K, M, G, T and % "
                           "of RAM are known)\n" },
        { MAX_SIZE("99999999999999999999T"),
          "3:52: \"99999999999999999999T\" is too large to be a size (for example 512M)\n" },
    };

    CHECK_REFUSED(cases);
}

#define WINDOW(value) LEAST "role: critical\ndistress: {window: " value "}\n"

static void windows(void **state)
{
    static const Case cases[] = {
        { WINDOW("2"), "4:20: \"2\" is not a duration: its unit is missing (write 2s; ms, s, m, h "
                       "and d are known)\n" },
        { WINDOW("999ms"), "4:20: \"999ms\" is too short for \"window\" (at least 1s)\n" },
        { WINDOW("11s"), "4:20: \"11s\" is too long for \"window\" (at most 10s)\n" },
        { WINDOW("1m"), "4:20: \"1m\" is too long for \"window\" (at most 10s)\n" },
        { WINDOW("2 seconds"), "4:20: \"2 seconds\" is not a duration: unknown unit \" seconds\" "
                               "(write 2s; ms, s, m, h and d are known)\n" },
        { WINDOW("500us"), "4:20: \"500us\" is too short for \"window\" (at least 1s)\n" },
    };

    CHECK_REFUSED(cases);
}

#define SHARE(value) LEAST "role: critical\ndistress: {memory_pressure: " value "}\n"

static void shares(void **state)
{
    static const Case cases[] = {
        { SHARE("1"), "4:29: \"1\" is not a share: its unit is missing (write 1%; % of the time is "
                      "known, with up to four decimals)\n" },
        { SHARE("0.5"), "4:29: \"0.5\" is not a share: its unit is missing (write 0.5%; % of the "
                        "time is known, with up to four decimals)\n" },
        { SHARE("\"0,5%\""),
          "4:29: \"0,5%\" is not a share: decimals stand behind a point (for example 0.5%)\n" },
        { SHARE("0%"), "4:29: \"0%\" is too small for \"memory_pressure\" (at least 0.01%)\n" },
        { SHARE("0.0%"), "4:29: \"0.0%\" is too small for \"memory_pressure\" (at least 0.01%)\n" },
        { SHARE("0.001%"),
          "4:29: \"0.001%\" is too small for \"memory_pressure\" (at least 0.01%)\n" },
        { SHARE("0.12345%"), "4:29: \"0.12345%\" is not a share (write 0.5%, 1% or 20%; % of the "
                             "time is known, with up to four decimals)\n" },
        { SHARE("101%"), "4:29: \"101%\" is more than all of the time (at most 100%)\n" },
        { SHARE("100.01%"), "4:29: \"100.01%\" is more than all of the time (at most 100%)\n" },
        { SHARE("5 %"), "4:29: \"5 %\" is not a share: unknown unit \" %\" (write 5%; % of the "
                        "time is known, with up to four decimals)\n" },
        { SHARE("5 percent"), "4:29: \"5 percent\" is not a share: unknown unit \" percent\" "
                              "(write 5%; % of the time is known, with up to four decimals)\n" },
        { SHARE("5pct"), "4:29: \"5pct\" is not a share: unknown unit \"pct\" (write 5%; % of the "
                         "time is known, with up to four decimals)\n" },
        { SHARE("5ms"), "4:29: \"5ms\" is not a share: unknown unit \"ms\" (% of the time is "
                        "known, with up to four decimals)\n" },
        { SHARE("20% of the time"),
          "4:29: \"20% of the time\" is not a share: nothing stands behind the % (write 20%)\n" },
        { SHARE("0.5%/s"),
          "4:29: \"0.5%/s\" is not a share: nothing stands behind the % (write 0.5%)\n" },
        { SHARE("-1%"), "4:29: \"-1%\" is negative (for example 1%)\n" },
        { SHARE("high"), "4:29: \"high\" is not a share (write 0.5%, 1% or 20%; % of the time is "
                         "known, with up to four decimals)\n" },
        { SHARE(".5%"), "4:29: \".5%\" is not a share (write 0.5%, 1% or 20%; % of the time is "
                        "known, with up to four decimals)\n" },
        { SHARE("1.%"), "4:29: \"1.%\" is not a share (write 0.5%, 1% or 20%; % of the time is "
                        "known, with up to four decimals)\n" },
        { SHARE("1e-2"), "4:29: \"1e-2\" is not a share: unknown unit \"e-2\" (% of the time is "
                         "known, with up to four decimals)\n" },
        { SHARE("99999999999999999999%"),
          "4:29: \"99999999999999999999%\" is more than all of the time (at most 100%)\n" },
        { LEAST "role: critical\ndistress: {io_pressure: 20}\n",
          "4:25: \"20\" is not a share: its unit is missing (write 20%; % of the time is known, "
          "with up to four decimals)\n" },
        { LEAST "memory_high: {mode: track, pressure: 0%}\n",

          "3:38: \"0%\" is too small for \"pressure\" (at least 0.01%)\n" },
    };

    CHECK_REFUSED(cases);
}

#define RATE(value) LEAST "role: critical\ndistress: {refaults: " value "}\n"

static void rates(void **state)
{
    static const Case cases[] = {
        { RATE("500"),
          "4:22: \"500\" is not a rate: its unit is missing (write 500/s; only /s is known)\n" },
        { RATE("500/m"),
          "4:22: \"500/m\" is not a rate: unknown unit \"/m\" (only /s is known)\n" },
        { RATE("500/min"),
          "4:22: \"500/min\" is not a rate: unknown unit \"/min\" (only /s is known)\n" },
        { RATE("500hz"),
          "4:22: \"500hz\" is not a rate: unknown unit \"hz\" (write 500/s; only /s is known)\n" },
        { RATE("500 per second"), "4:22: \"500 per second\" is not a rate: unknown unit \" per "
                                  "second\" (write 500/s; only /s is known)\n" },
        { RATE("500/sec"), "4:22: \"500/sec\" is not a rate: unknown unit \"/sec\" (write 500/s; "
                           "only /s is known)\n" },
        { RATE("500 /s"), "4:22: \"500 /s\" is not a rate: unknown unit \" /s\" (write 500/s; only "
                          "/s is known)\n" },
        { RATE("500ps"),
          "4:22: \"500ps\" is not a rate: unknown unit \"ps\" (write 500/s; only /s is known)\n" },
        { RATE("500s"),
          "4:22: \"500s\" is not a rate: unknown unit \"s\" (write 500/s; only /s is known)\n" },
        { RATE("0/s"),
          "4:22: \"refaults\" must be more than 0, not \"0/s\" (for example refaults: 500/s)\n" },
        { RATE("0.5/s"),
          "4:22: \"0.5/s\" is not a rate: fractions are not known (write a whole number)\n" },
        { RATE("1k/s"), "4:22: \"1k/s\" is not a rate: unknown unit \"k/s\" (only /s is known)\n" },
        { RATE("-5/s"), "4:22: \"-5/s\" is negative (for example 50/s)\n" },
        { RATE("many"), "4:22: \"many\" is not a rate (write 50/s or 500/s; only /s is known)\n" },
        { RATE("10%"), "4:22: \"10%\" is not a rate: unknown unit \"%\" (only /s is known)\n" },
        { RATE("99999999999999999999/s"),
          "4:22: \"99999999999999999999/s\" is too large to be a rate (for example 50/s)\n" },
        { LEAST "role: critical\ndistress: {major_faults: 50}\n",
          "4:26: \"50\" is not a rate: its unit is missing (write 50/s; only /s is known)\n" },
    };

    CHECK_REFUSED(cases);
}

#define BYTE_RATE(value) LEAST "evict: [{path: /srv/x, rate: " value "}]\n"

static void byte_rates(void **state)
{
    static const Case cases[] = {
        { BYTE_RATE("200"), "3:30: \"200\" is not a rate: its unit is missing (write 16M/s or "
                            "200M/s; K/s, M/s and G/s of bytes are known)\n" },
        { BYTE_RATE("200M"), "3:30: \"200M\" is not a rate: unknown unit \"M\" (write 200M/s; K/s, "
                             "M/s and G/s of bytes are known)\n" },
        { BYTE_RATE("200k"), "3:30: \"200k\" is not a rate: unknown unit \"k\" (write 200K/s; K/s, "
                             "M/s and G/s of bytes are known)\n" },
        { BYTE_RATE("200MB/s"), "3:30: \"200MB/s\" is not a rate: unknown unit \"MB/s\" (write "
                                "200M/s; K/s, M/s and G/s of bytes are known)\n" },
        { BYTE_RATE("200MiB/s"), "3:30: \"200MiB/s\" is not a rate: unknown unit \"MiB/s\" (write "
                                 "200M/s; K/s, M/s and G/s of bytes are known)\n" },
        { BYTE_RATE("200 M/s"), "3:30: \"200 M/s\" is not a rate: unknown unit \" M/s\" (write "
                                "200M/s; K/s, M/s and G/s of bytes are known)\n" },
        { BYTE_RATE("200mbps"), "3:30: \"200mbps\" is not a rate: unknown unit \"mbps\" (K/s, M/s "
                                "and G/s of bytes are known)\n" },
        { BYTE_RATE("200Mbit/s"), "3:30: \"200Mbit/s\" is not a rate: unknown unit \"Mbit/s\" "
                                  "(K/s, M/s and G/s of bytes are known)\n" },
        { BYTE_RATE("1G/m"), "3:30: \"1G/m\" is not a rate: unknown unit \"G/m\" (K/s, M/s and G/s "
                             "of bytes are known)\n" },
        { BYTE_RATE("1.5M/s"), "3:30: \"1.5M/s\" is not a rate: fractions are not known (write "
                               "whole numbers: 1536K/s for 1.5M/s)\n" },
        { BYTE_RATE("63K/s"), "3:30: \"63K/s\" is too low for \"rate\" (at least 64K/s)\n" },
        { BYTE_RATE("0/s"), "3:30: \"0/s\" is too low for \"rate\" (at least 64K/s)\n" },
        { BYTE_RATE("100/s"), "3:30: \"100/s\" is too low for \"rate\" (at least 64K/s)\n" },
        { BYTE_RATE("-1M/s"), "3:30: \"-1M/s\" is negative (for example 16M/s)\n" },
        { BYTE_RATE("10%"), "3:30: \"10%\" is not a rate: unknown unit \"%\" (K/s, M/s and G/s of "
                            "bytes are known)\n" },
        { BYTE_RATE("200B/s"), "3:30: \"200B/s\" is not a rate: unknown unit \"B/s\" (write 200/s; "
                               "K/s, M/s and G/s of bytes are known)\n" },
        { BYTE_RATE("200MB/sec"), "3:30: \"200MB/sec\" is not a rate: unknown unit \"MB/sec\" "
                                  "(write 200M/s; K/s, M/s and G/s of bytes are known)\n" },
        { BYTE_RATE("200mb"), "3:30: \"200mb\" is not a rate: unknown unit \"mb\" (write 200M/s; "
                              "K/s, M/s and G/s of bytes are known)\n" },
        { BYTE_RATE("1PB/s"), "3:30: \"1PB/s\" is not a rate: unknown unit \"PB/s\" (K/s, M/s and "
                              "G/s of bytes are known)\n" },
        { BYTE_RATE("10%/s"), "3:30: \"10%/s\" is not a rate: unknown unit \"%/s\" (K/s, M/s and "
                              "G/s of bytes are known)\n" },
        { BYTE_RATE("fast"), "3:30: \"fast\" is not a rate (write 16M/s or 200M/s; K/s, M/s and "
                             "G/s of bytes are known)\n" },
        { BYTE_RATE("99999999999T/s"),
          "3:30: \"99999999999T/s\" is too large to be a rate (for example 16M/s)\n" },
        { LEAST "role: critical\ndistress: {stolen: 16MB/s}\n",
          "4:20: \"16MB/s\" is not a rate: unknown unit \"MB/s\" (write 16M/s; K/s, M/s and G/s of "
          "bytes are known)\n" },
        { LEAST "role: critical\ndistress: {stolen: 1K/s}\n",
          "4:20: \"1K/s\" is too low for \"stolen\" (at least 4K/s)\n" },
    };

    CHECK_REFUSED(cases);
}

#define RANGE(value) LEAST "pin: {budget: 1M, files: [{path: /srv/x, range: " value "}]}\n"

static void ranges(void **state)
{
    static const Case cases[] = {
        { RANGE("8M"), "3:49: \"8M\" is not a range (write 0-8M for the first 8 MiB, or 1G- for "
                       "all behind 1 GiB)\n" },
        { RANGE("0-10%"), "3:49: \"0-10%\" is not a range (write 0-8M for the first 8 MiB, or 1G- "
                          "for all behind 1 GiB)\n" },
        { RANGE("50%-"), "3:49: \"50%-\" is not a range (write 0-8M for the first 8 MiB, or 1G- "
                         "for all behind 1 GiB)\n" },
        { RANGE("8M-8M"), "3:49: \"8M-8M\" is empty: it ends where it begins, or before (write its "
                          "beginning first: 0-8M)\n" },
        { RANGE("8M-0"), "3:49: \"8M-0\" is empty: it ends where it begins, or before (write its "
                         "beginning first: 0-8M)\n" },
        { RANGE("0-0"), "3:49: \"0-0\" is empty: it ends where it begins, or before (write its "
                        "beginning first: 0-8M)\n" },
        { RANGE("-8M"), "3:49: \"-8M\" is not a range (write 0-8M for the first 8 MiB, or 1G- for "
                        "all behind 1 GiB)\n" },
        { RANGE("\"-\""), "3:49: \"-\" is not a range (write 0-8M for the first 8 MiB, or 1G- for "
                          "all behind 1 GiB)\n" },
        { RANGE("0..8M"), "3:49: \"0..8M\" is not a range (write 0-8M for the first 8 MiB, or 1G- "
                          "for all behind 1 GiB)\n" },
        { RANGE("0:8M"), "3:49: \"0:8M\" is not a range (write 0-8M for the first 8 MiB, or 1G- "
                         "for all behind 1 GiB)\n" },
        { RANGE("0 - 8M"), "3:49: \"0 - 8M\" is not a range (write 0-8M for the first 8 MiB, or "
                           "1G- for all behind 1 GiB)\n" },
        { RANGE("0-8MB"), "3:49: \"0-8MB\" is not a range (write 0-8M for the first 8 MiB, or 1G- "
                          "for all behind 1 GiB)\n" },
        { RANGE("0-8M-16M"), "3:49: \"0-8M-16M\" is not a range (write 0-8M for the first 8 MiB, "
                             "or 1G- for all behind 1 GiB)\n" },
        { RANGE("0-1.5G"), "3:49: \"0-1.5G\" is not a range (write 0-8M for the first 8 MiB, or "
                           "1G- for all behind 1 GiB)\n" },
        { RANGE("first 8M"), "3:49: \"first 8M\" is not a range (write 0-8M for the first 8 MiB, "
                             "or 1G- for all behind 1 GiB)\n" },
        { RANGE("0-99999999999T"), "3:49: \"0-99999999999T\" is not a range (write 0-8M for the "
                                   "first 8 MiB, or 1G- for all behind 1 GiB)\n" },
        { RANGE("[0, 8M]"),
          "3:49: \"range\" must be a single value, not a list (for example range: 0-8M)\n" },
    };

    CHECK_REFUSED(cases);
}

#define KEEP(value) LEAST "evict: [{path: /srv/x, keep: " value "}]\n"

static void keeps(void **state)
{
    static const Case cases[] = {
        { KEEP("16M"), "3:30: \"16M\" is no part to keep (write last 16M for the tail, first 1M "
                       "for the head)\n" },
        { KEEP("last"), "3:30: \"last\" is no part to keep (write last 16M for the tail, first 1M "
                        "for the head)\n" },
        { KEEP("last 0"), "3:30: \"last 0\" is no part to keep (write last 16M for the tail, first "
                          "1M for the head)\n" },
        { KEEP("last 10%"), "3:30: \"last 10%\" is no part to keep (write last 16M for the tail, "
                            "first 1M for the head)\n" },
        { KEEP("Last 16M"), "3:30: \"Last 16M\" is no part to keep (write last 16M for the tail, "
                            "first 1M for the head)\n" },
        { KEEP("tail 16M"), "3:30: \"tail 16M\" is no part to keep (write last 16M for the tail, "
                            "first 1M for the head)\n" },
        { KEEP("last  16M"), "3:30: \"last  16M\" is no part to keep (write last 16M for the tail, "
                             "first 1M for the head)\n" },
        { KEEP("last16M"), "3:30: \"last16M\" is no part to keep (write last 16M for the tail, "
                           "first 1M for the head)\n" },
        { KEEP("last 16MB"), "3:30: \"last 16MB\" is no part to keep (write last 16M for the tail, "
                             "first 1M for the head)\n" },
        { KEEP("last -1M"), "3:30: \"last -1M\" is no part to keep (write last 16M for the tail, "
                            "first 1M for the head)\n" },
        { KEEP("16M last"), "3:30: \"16M last\" is no part to keep (write last 16M for the tail, "
                            "first 1M for the head)\n" },
    };

    CHECK_REFUSED(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),           cmocka_unit_test(other_sizes),
        cmocka_unit_test(other_durations), cmocka_unit_test(durations),
        cmocka_unit_test(lengths),         cmocka_unit_test(windows),
        cmocka_unit_test(shares),          cmocka_unit_test(rates),
        cmocka_unit_test(byte_rates),      cmocka_unit_test(ranges),
        cmocka_unit_test(keeps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
