/* SPDX-License-Identifier: MIT */
#pragma once

#include "config/policies.h"

/* Warns, in the entry of each policy that has a glob in common with one before it by name, that the
 * first of them governs the units: once for each of these, of the first glob they share. 0, or
 * -ENOMEM. */
int policies_warn_of_draws(Policies *policies);
