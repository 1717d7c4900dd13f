/* SPDX-License-Identifier: MIT */
#pragma once

/* Small files, read and written whole. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads @fd from its beginning into @buffer, and ends it with a NUL. Returns the bytes read (<
 * @size), or -errno; -E2BIG where the file does not fit. */
ssize_t read_from_start(int fd, char *buffer, size_t size);

/* The same of the file @name in @dir_fd, opened for this. */
ssize_t read_file_at(int dir_fd, const char *name, char *buffer, size_t size);

/* The whole file with a NUL behind it, to be freed by the caller. -E2BIG over @max bytes; -EISDIR,
 * -EINVAL where it is not a regular file. *ret_size does not count the NUL. */
int read_fd_alloc(int fd, size_t max, char **ret_text, size_t *ret_size);

/* The same of the file @name in @dir_fd, opened for this; a FIFO does not block. */
int read_file_alloc(int dir_fd, const char *name, size_t max, char **ret_text, size_t *ret_size);

/* Replaces the file @name in @dir_fd by @text: written beside it, synced, renamed; after a crash
 * the old or the new text is there, never a part. @mode is of the new file. */
int replace_file_at(int dir_fd, const char *name, const char *text, size_t size, mode_t mode);

/* Where the file that @fd refers to is, without links; to be freed by the caller. -ENAMETOOLONG: it
 * has no name that leads there from here. proc(5), /proc/pid/fd. */
int fd_path(int fd, char **ret_path);

/* CLOCK_MONOTONIC, in microseconds. */
uint64_t now_usec(void);

/* Of the processor, that the calling thread has had so far, in microseconds. */
uint64_t thread_cpu_usec(void);
