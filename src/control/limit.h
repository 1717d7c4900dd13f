/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

typedef enum LimitMode {
    LIMIT_OFF,
    LIMIT_FIXED,
    LIMIT_YIELD,
} LimitMode;

/* What a policy says of memory.high. */
typedef struct LimitConfig {
    LimitMode mode;
    uint64_t value; /* LIMIT_FIXED: bytes */
    uint64_t min;   /* LIMIT_YIELD: never below, bytes */
} LimitConfig;
