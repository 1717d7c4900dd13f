/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* The free memory below which kswapd reclaims, bytes, of a host that has @total. It is no figure of
 * its own: the least that is kept free, and a quarter of that, or the part of all that
 * watermark_scale_factor says (mm/page_alloc.c, __setup_per_zone_wmarks()). Where @proc_fd does not
 * tell, a 32nd of all. */
uint64_t watermark_low(int proc_fd, uint64_t total);
