/* SPDX-License-Identifier: MIT */
#pragma once

#include "policy/fields.h"
#include "policy/policy.h"

/* Warns of globs in "evict" that meet those in pin.files. DECODED or -ENOMEM. */
int check_overlaps(Decoder *decoder, const Policy *policy);
