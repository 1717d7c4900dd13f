/* SPDX-License-Identifier: MIT */
#pragma once

/* What the tests of units that yield share. */

#include "control/yield.h"
#include "unit/test.h"

#define AT0 (1000 * USEC_PER_SEC)

#define CALM     LIMIT_REASON_CALM
#define FREEZE   LIMIT_REASON_FREEZE
#define DISTRESS LIMIT_REASON_DISTRESS
#define HOLD     LIMIT_REASON_HOLD
#define AT_MIN   LIMIT_REASON_AT_MIN
#define RETURN   LIMIT_REASON_RETURN
#define STALL    LIMIT_REASON_STALL
#define NO_PSI   LIMIT_REASON_NO_PSI

static const LimitConfig yields_all = { .mode = LIMIT_YIELD };
static const LimitConfig yields_to_512 = { .mode = LIMIT_YIELD, .min = 512 * MIB };
