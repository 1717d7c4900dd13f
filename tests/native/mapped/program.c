/* SPDX-License-Identifier: MIT */
/* A static program: says that it runs, and waits until it is let go. */
#include <unistd.h>

int main(void)
{
    char byte = 0;

    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    return read(STDIN_FILENO, &byte, 1) < 0;
}
