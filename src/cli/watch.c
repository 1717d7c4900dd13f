/* SPDX-License-Identifier: MIT */
/* The terminal's other screen is drawn over from its first line on, each line cut where the window
 * ends: so nothing flickers or scrolls. A signal that ends or stops us puts the terminal right in
 * its handler, since a call of the daemon that hangs would have us wait for anything else. */
#include "cli/watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/text.h"
#include "util/cleanup.h"
#include "util/units.h"

#define INTERVAL_MIN_USEC (100 * USEC_PER_MSEC)
#define INTERVAL_MAX_USEC (24 * 3600 * USEC_PER_SEC)

#define ENTER "\033[?1049h\033[?25l\033[2J" /* the other screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"

bool watch_interval_parse(const char *text, uint64_t *ret_usec)
{
    uint64_t usec, seconds;

    if (parse_u64(text, &seconds) >= 0)
        usec = seconds > INTERVAL_MAX_USEC / USEC_PER_SEC ? UINT64_MAX : seconds * USEC_PER_SEC;
    else if (parse_duration(text, &usec, NULL) < 0)
        return false;
    if (usec < INTERVAL_MIN_USEC || usec > INTERVAL_MAX_USEC)
        return false;
    *ret_usec = usec;
    return true;
}

static void put_now(const char *sequence)
{
    ssize_t n = write(STDOUT_FILENO, sequence, strlen(sequence));
    (void)n; /* the terminal is gone */
}

static void on_end(int signal_number)
{
    put_now(LEAVE);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void on_stop(int signal_number)
{
    int saved = errno;

    put_now(LEAVE);
    raise(SIGSTOP);
    put_now(ENTER);
    errno = saved;
}

/* That it came ends the sleep. */
static void on_resize(int signal_number)
{
}

static void take_terminal(void)
{
    static const struct {
        int number;
        void (*handler)(int);
    } signals[] = {
        { SIGINT, on_end },  { SIGTERM, on_end },  { SIGHUP, on_end },
        { SIGQUIT, on_end }, { SIGTSTP, on_stop }, { SIGWINCH, on_resize },
    };

    for (size_t i = 0; i < ELEMENTS(signals); i++)
        sigaction(signals[i].number, &(struct sigaction){ .sa_handler = signals[i].handler }, NULL);
    put_now(ENTER);
}

/* How many bytes of @line, which has @length, fit in so many columns. */
static size_t fitting(const char *line, size_t length, unsigned columns)
{
    mbstate_t state = { 0 };
    size_t at = 0, n;

    for (unsigned column = 0; at < length; at += n) {
        wchar_t character;
        n = mbrtowc(&character, line + at, length - at, &state);
        bool is_one = n > 0 && n <= length - at;
        int width = is_one ? wcwidth(character) : 1;
        column += width > 0 ? (unsigned)width : 0;
        if (column > columns)
            break;
        if (is_one)
            continue;
        n = 1;
        state = (mbstate_t){ 0 };
    }
    return at;
}

/* Each line is emptied before it is written: behind one that fills the window the cursor still
 * stands on its last character. */
static void draw(const char *text)
{
    struct winsize window = { .ws_row = 24, .ws_col = 80 };
    unsigned row = 0;

    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
    fputs("\033[H", stdout);
    for (const char *line = text; *line; row++) {
        size_t length = strcspn(line, "\n");
        if (row + 1 >= window.ws_row && line[length] && line[length + 1]) {
            fputs("\033[K…", stdout);
            break;
        }
        fputs(row > 0 ? "\n\033[K" : "\033[K", stdout);
        fwrite(line, 1, fitting(line, length, window.ws_col), stdout);
        line += length + (line[length] == '\n');
    }
    fputs("\033[J", stdout);
}

static void sleep_for(uint64_t usec)
{
    struct timespec time = {
        .tv_sec = (time_t)(usec / USEC_PER_SEC),
        .tv_nsec = (long)(usec % USEC_PER_SEC * NSEC_PER_USEC),
    };

    (void)nanosleep(&time, NULL);
}

/* *ret, to be freed, is what it printed. */
static int make_report(const Watch *watch, char **ret, char **ret_error)
{
    CLEANUP_FREE char *text = NULL;
    size_t size;

    FILE *out = open_memstream(&text, &size);
    int r = out ? watch->report(out, ret_error, watch->userdata) : -ENOMEM;
    if (out && fclose(out) != 0 && r >= 0)
        r = -ENOMEM;
    if (r >= 0)
        *ret = TAKE_PTR(text);
    return r;
}

static void put(const Watch *watch, int r, const char *text, const char *error, bool first)
{
    CLEANUP_FREE char *shown = error ? escape_text(error, locale_is_unicode()) : NULL;

    if (watch->draws)
        draw(r >= 0 ? text : shown ?: "out of memory");
    else if (r >= 0)
        printf("%s%s", first ? "" : watch->separator, text);
    else
        complain_lines(error);
}

ExitCode watch_run(const Watch *watch)
{
    for (bool first = true;; first = false) {
        CLEANUP_FREE char *text = NULL, *error = NULL;

        int r = make_report(watch, &text, &error);
        if (r < 0 && first) {
            complain_lines(error);
            return EXIT_FAILED;
        }
        if (r == -EINTR) /* by a new size of the window */
            continue;
        if (first && watch->draws)
            take_terminal();
        put(watch, r, text, error, first);
        if (fflush(stdout) != 0)
            return EXIT_FAILED; /* main() says why */
        sleep_for(watch->interval_usec);
    }
}
