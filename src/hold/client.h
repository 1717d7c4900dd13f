/* SPDX-License-Identifier: MIT */
#pragma once

/* Has holders let go of files where no controller is there to be asked. Whoever connects to a
 * holder takes the place of its controller, which finds that out, connects again, and pins again.
 */

#include <pagewarden/hold-protocol.h>
#include <stdbool.h>
#include <stddef.h>

/* Asks every holder whose socket is in @folder, and releases what @is_chosen says so of;
 * *ret_files: how many files that were. Sockets that nobody listens at are passed over, as is a
 * folder that is not there. -EACCES: not allowed; -EPROTONOSUPPORT: a holder of another version;
 * -EAGAIN: one does not answer; -EBUSY: one keeps some. Those behind it are asked all the same. */
int holders_release(const char *folder, bool (*is_chosen)(const HoldItem *item, void *userdata),
                    void *userdata, size_t *ret_files);
