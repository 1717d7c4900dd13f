/* SPDX-License-Identifier: MIT */

/* The critical service of the experiment: it serves single random 4 KiB pages of one file at a
 * steady rate, as a database or a web server serves its long tail, and says how long each took.
 *
 * Open loop: request n is due at start + n/rate, whether or not its predecessor is done; a slow
 * disk makes requests late, it does not make them fewer. Two times are kept of each: the read
 * itself
 * ("latency"), and from when it was due ("response"), which has the waiting in it and the timer's
 * own jitter.
 *
 * A request is slow when its page was not in memory, and that is asked, not guessed from the time:
 * before pread, mincore(2) tells, and then RWF_NOWAIT is tried, which the kernel answers with
 * EAGAIN where it would have to wait for the disk; mmap looks at the thread's count of major
 * faults. So the count holds on an emulated machine, too, where times mean little.
 *
 * SIGUSR1 begins the measurement anew, SIGTERM ends it; the report is of what lies between. */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "histogram.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/units.h"

#define PAGE         4096U /* what one request reads; also the unit of the page cache here */
#define WARMUP_BLOCK (128 * KIB)
#define NSEC_PER_SEC UINT64_C(1000000000)
#define RATE_MAX     1000000U /* a request each microsecond: nothing paces finer than that */
#define SECONDS_MAX  UINT64_C(1000000)

typedef struct Options {
    const char *file;
    const char *report; /* NULL: standard output */
    uint64_t rate;      /* requests per second */
    uint64_t seconds;   /* 0: until SIGTERM */
    uint64_t seed;
    bool mmap;
    bool warmup;
} Options;

typedef struct Shop {
    Options options;
    int fd;
    uint64_t pages;             /* whole pages of the file */
    const volatile char *bytes; /* the mapping, with --mmap */
    uint64_t random;
} Shop;

/* Everything counted since the measurement began. */
typedef struct Measurement {
    uint64_t begin_nsec;
    uint64_t requests;
    uint64_t slow; /* the page was not in memory */
    uint64_t late; /* due while the one before was still being served */
    uint64_t major_faults_before;
    uint64_t io_before; /* bytes from the disk; UINT64_MAX where the kernel does not count them */
    Histogram latency;  /* nanoseconds */
    Histogram response;
} Measurement;

static volatile sig_atomic_t stop_asked, begin_asked;

static void on_signal(int signal)
{
    if (signal == SIGUSR1)
        begin_asked = 1;
    else
        stop_asked = 1;
}

static uint64_t now_nsec(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

/* splitmix64: the same seed asks for the same pages in every phase. */
static uint64_t random_page(Shop *shop)
{
    uint64_t z = shop->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (uint64_t)(((unsigned __int128)z * shop->pages) >> 64);
}

static uint64_t major_faults(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_majflt;
}

/* What this process made the disks read, or UINT64_MAX. */
static uint64_t io_read_bytes(void)
{
    char text[1024];
    uint64_t bytes;
    if (read_file_at(AT_FDCWD, "/proc/self/io", text, sizeof(text)) < 0)
        return UINT64_MAX;
    const char *line = strstr(text, "\nread_bytes: ");
    return line && sscanf(line, "\nread_bytes: %" SCNu64, &bytes) == 1 ? bytes : UINT64_MAX;
}

static void measurement_begin(Measurement *m)
{
    *m = (Measurement){
        .begin_nsec = now_nsec(),
        .major_faults_before = major_faults(),
        .io_before = io_read_bytes(),
    };
}

/* False where the kernel says that it is not; it says true to who does not own the file. */
static bool is_in_memory(const Shop *shop, uint64_t page)
{
    unsigned char resident = 1;
    void *address = mmap(NULL, PAGE, PROT_NONE, MAP_SHARED, shop->fd, (off_t)(page * PAGE));

    if (address == MAP_FAILED)
        return true;
    (void)mincore(address, PAGE, &resident);
    (void)munmap(address, PAGE);
    return resident & 1;
}

/* Serves one page by pread. True where the kernel would have had to wait for the disk. RWF_NOWAIT
 * starts the disk on it (since Linux 5.9), but does not wait; the second read does. A disk that has
 * finished before the kernel looks, as on a busy machine, makes this false of a page that was not
 * there. */
static bool serve_read(Shop *shop, uint64_t page)
{
    char buffer[PAGE];
    struct iovec to = { buffer, PAGE };
    off_t offset = (off_t)(page * PAGE);

    if (preadv2(shop->fd, &to, 1, offset, RWF_NOWAIT) == PAGE)
        return false;
    if (pread(shop->fd, buffer, PAGE, offset) != PAGE)
        err(EXIT_FAILURE, "%s", shop->options.file);
    return true;
}

static bool serve_mapped(Shop *shop, uint64_t page)
{
    uint64_t before = major_faults();
    (void)shop->bytes[page * PAGE];
    return major_faults() != before;
}

static void serve(Shop *shop, Measurement *m, uint64_t due_nsec)
{
    uint64_t page = random_page(shop);
    bool slow = !shop->bytes && !is_in_memory(shop, page);
    uint64_t start = now_nsec();
    slow |= shop->bytes ? serve_mapped(shop, page) : serve_read(shop, page);
    uint64_t end = now_nsec();

    m->requests++;
    m->slow += slow;
    histogram_add(&m->latency, end - start);
    histogram_add(&m->response, end > due_nsec ? end - due_nsec : 0);
}

/* False where a signal came first. */
static bool sleep_until(uint64_t nsec)
{
    struct timespec until = { (time_t)(nsec / NSEC_PER_SEC), (long)(nsec % NSEC_PER_SEC) };
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0;
}

static void run(Shop *shop, Measurement *m)
{
    uint64_t period = NSEC_PER_SEC / shop->options.rate, due = now_nsec() + period;

    measurement_begin(m);
    while (!stop_asked) {
        if (begin_asked) {
            begin_asked = 0;
            measurement_begin(m);
            due = m->begin_nsec + period;
        }
        if (shop->options.seconds > 0 && due - m->begin_nsec > shop->options.seconds * NSEC_PER_SEC)
            return;
        bool late = now_nsec() >= due;
        if (!late && !sleep_until(due))
            continue;
        m->late += late;
        serve(shop, m, due);
        due += period;
    }
}

/* Twice, because once is what a backup does, too: the second time makes it a working set. */
static void warm_up(Shop *shop)
{
    static char buffer[WARMUP_BLOCK];

    for (int pass = 0; pass < 2 && !stop_asked; pass++) {
        if (shop->bytes) {
            for (uint64_t page = 0; page < shop->pages && !stop_asked; page++)
                (void)shop->bytes[page * PAGE];
            continue;
        }
        for (off_t at = 0; !stop_asked;) {
            ssize_t n = pread(shop->fd, buffer, sizeof(buffer), at);
            if (n < 0)
                err(EXIT_FAILURE, "%s", shop->options.file);
            if (n == 0)
                break;
            at += n;
        }
    }
}

static void print_quantiles(FILE *out, const char *name, const Histogram *h)
{
    fprintf(out, "\"%s\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", name,
            (double)histogram_quantile(h, 500) / 1e3, (double)histogram_quantile(h, 900) / 1e3,
            (double)histogram_quantile(h, 990) / 1e3, (double)histogram_quantile(h, 999) / 1e3,
            (double)h->max / 1e3);
}

static void print_number(FILE *out, const char *name, bool known, uint64_t value)
{
    if (known)
        fprintf(out, "\"%s\":%" PRIu64 ",", name, value);
    else
        fprintf(out, "\"%s\":null,", name);
}

static void print_report(FILE *out, const Shop *shop, const Measurement *m)
{
    uint64_t io = io_read_bytes();

    fprintf(out, "{\"access\":\"%s\",\"rate\":%" PRIu64 ",\"seconds\":%.3f,\"file_bytes\":%" PRIu64,
            shop->bytes ? "mmap" : "pread", shop->options.rate,
            (double)(now_nsec() - m->begin_nsec) / 1e9, shop->pages * PAGE);
    fprintf(out, ",\"requests\":%" PRIu64 ",\"slow\":%" PRIu64 ",\"late\":%" PRIu64 ",",
            m->requests, m->slow, m->late);
    print_number(out, "major_faults", true, major_faults() - m->major_faults_before);
    print_number(out, "disk_bytes", io != UINT64_MAX && m->io_before != UINT64_MAX,
                 io - m->io_before);
    print_quantiles(out, "latency_us", &m->latency);
    fputc(',', out);
    print_quantiles(out, "response_us", &m->response);
    fputs(",\"latency_histogram_us\":[", out); /* [upper end of the bucket, requests in it] */
    const char *comma = "";
    for (uint64_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (m->latency.counts[i] == 0)
            continue;
        fprintf(out, "%s[%.3f,%" PRIu64 "]", comma, (double)histogram_bucket_end(i) / 1e3,
                m->latency.counts[i]);
        comma = ",";
    }
    fputs("]}\n", out);
}

static void write_report(const Shop *shop, const Measurement *m)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        err(EXIT_FAILURE, "open_memstream");
    print_report(out, shop, m);
    if (fclose(out) != 0)
        err(EXIT_FAILURE, "report");

    if (!shop->options.report) {
        fputs(text, stdout);
        return;
    }
    int r = replace_file_at(AT_FDCWD, shop->options.report, text, size, 0644);
    if (r < 0) {
        errno = -r;
        err(EXIT_FAILURE, "%s", shop->options.report);
    }
}

static const char help[] =
    "Usage: shop --file FILE [OPTION…]\n"
    "Reads single random 4 KiB pages of FILE at a steady rate and reports, as JSON, how long they\n"
    "took and how many were not in memory. SIGUSR1 begins the measurement anew, SIGTERM ends it.\n"
    "\n"
    "      --rate N         requests per second (50)\n"
    "      --seconds N      end after N seconds (0: on SIGTERM)\n"
    "      --seed N         which pages are asked for (1)\n"
    "      --mmap           through a mapping, not by pread\n"
    "      --warmup         first read the whole file, twice\n"
    "      --report FILE    where the report goes (standard output)\n";

static uint64_t number(const char *name, const char *text, uint64_t min, uint64_t max)
{
    uint64_t value;
    if (parse_u64(text, &value) < 0 || value < min || value > max)
        errx(EXIT_FAILURE, "--%s %s: not a number from %" PRIu64 " to %" PRIu64, name, text, min,
             max);
    return value;
}

static Options parse_options(int argc, char **argv)
{
    static const struct option table[] = { { "file", required_argument, NULL, 'f' },
                                           { "rate", required_argument, NULL, 'r' },
                                           { "seconds", required_argument, NULL, 's' },
                                           { "seed", required_argument, NULL, 'S' },
                                           { "mmap", no_argument, NULL, 'm' },
                                           { "warmup", no_argument, NULL, 'w' },
                                           { "report", required_argument, NULL, 'o' },
                                           { "help", no_argument, NULL, 'h' },
                                           {} };
    Options options = { .rate = 50, .seed = 1 };
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1)
        switch (c) {
        case 'f':
            options.file = optarg;
            break;
        case 'r':
            options.rate = number("rate", optarg, 1, RATE_MAX);
            break;
        case 's':
            options.seconds = number("seconds", optarg, 0, SECONDS_MAX);
            break;
        case 'S':
            options.seed = number("seed", optarg, 0, UINT64_MAX);
            break;
        case 'm':
            options.mmap = true;
            break;
        case 'w':
            options.warmup = true;
            break;
        case 'o':
            options.report = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            exit(EXIT_SUCCESS);
        default:
            exit(EXIT_FAILURE);
        }
    if (!options.file || optind < argc)
        errx(EXIT_FAILURE, "exactly one --file is needed; see --help");
    return options;
}

static void open_file(Shop *shop)
{
    struct stat st;

    shop->fd = open(shop->options.file, O_RDONLY | O_CLOEXEC);
    if (shop->fd < 0 || fstat(shop->fd, &st) < 0)
        err(EXIT_FAILURE, "%s", shop->options.file);
    if (!S_ISREG(st.st_mode) || st.st_size < (off_t)PAGE)
        errx(EXIT_FAILURE, "%s: not a regular file of at least one page", shop->options.file);
    shop->pages = (uint64_t)st.st_size / PAGE;
    if (!shop->options.mmap)
        return;
    shop->bytes = mmap(NULL, shop->pages * PAGE, PROT_READ, MAP_SHARED, shop->fd, 0);
    if (shop->bytes == MAP_FAILED)
        err(EXIT_FAILURE, "%s: mmap", shop->options.file);
}

int main(int argc, char **argv)
{
    static Measurement m; /* 60 KiB of histograms */
    Shop shop = { .options = parse_options(argc, argv) };
    struct sigaction action = { .sa_handler = on_signal };

    shop.random = shop.options.seed;
    /* No SA_RESTART: a signal ends the sleep. */
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);

    open_file(&shop);
    if (shop.options.warmup)
        warm_up(&shop);
    (void)sd_notify(0, "READY=1");
    run(&shop, &m);
    write_report(&shop, &m);
    return EXIT_SUCCESS;
}
