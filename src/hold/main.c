/* SPDX-License-Identifier: MIT */
/* pagewarden-hold: keeps files locked in memory for one service. It needs no file system, no
 * network and no privilege but CAP_IPC_LOCK; files come as descriptors over the socket that is its
 * standard input. */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "config.h"
#include "hold/serve.h"

static int usage(FILE *out)
{
    fputs("Usage: pagewarden-hold\n\n"
          "Keeps files locked in memory for a service. Started by pagewardend(8) with a listening\n"
          "socket as its standard input; not to be run by hand.\n\n"
          "  -h, --help     show this\n"
          "      --version  show the version\n",
          out);
    return out == stdout ? EXIT_SUCCESS : 2;
}

int main(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return usage(stdout);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("pagewarden-hold " PAGEWARDEN_VERSION);
        return EXIT_SUCCESS;
    }
    if (argc > 1)
        return usage(stderr);

    int type = 0, listening = 0;
    socklen_t size = sizeof(int);
    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET ||
        getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening) {
        fputs("pagewarden-hold: standard input is not a listening socket; pagewardend(8) starts "
              "this\n",
              stderr);
        return 2;
    }

    cleanup(pin_table_freep) PinTable *pins = NULL;
    int r = pin_table_new(&pins);
    if (r >= 0)
        r = hold_serve(STDIN_FILENO, 0, pins);
    fprintf(stderr, "pagewarden-hold: %s\n", strerror(-r));
    return EXIT_FAILURE;
}
