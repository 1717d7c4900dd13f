/* SPDX-License-Identifier: MIT */
/* A library to be copied, loaded, replaced. */
int library_answer(void);

int library_answer(void)
{
    return 42;
}
