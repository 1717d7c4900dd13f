/* SPDX-License-Identifier: MIT */
/* The same tables decode and print the enums, so that what is shown can be written back. */
#include "policy/names.h"

#include "policy/policy.h"
#include "policy/settings.h"

#define NAMES(of, ...)                                       \
    static const char *const of##_words[] = { __VA_ARGS__ }; \
    const EnumNames of##_names = { of##_words, ELEMENTS(of##_words) }

NAMES(policy_role, [ROLE_NORMAL] = "normal", [ROLE_CRITICAL] = "critical",
      [ROLE_BACKGROUND] = "background");
NAMES(policy_mode, [MODE_ENFORCE] = "enforce", [MODE_OBSERVE] = "observe");
NAMES(limit_mode, [LIMIT_OFF] = "off", [LIMIT_FIXED] = "fixed", [LIMIT_TRACK] = "track",
      [LIMIT_YIELD] = "yield");
NAMES(limit_reclaim, [LIMIT_RECLAIM_FILE] = "file", [LIMIT_RECLAIM_ALL] = "all");
NAMES(pin_lock, [PIN_LOCK_NOW] = "now", [PIN_LOCK_POPULATE] = "populate",
      [PIN_LOCK_ON_FAULT] = "on-fault", [PIN_LOCK_NONE] = "none");
NAMES(pin_mapped, "executables", "libraries");
NAMES(pin_key, [PIN_BY_LIST] = "listed", [PIN_BY_SMALLEST] = "smallest",
      [PIN_BY_LARGEST] = "largest");
NAMES(pin_charge, [PIN_CHARGE_HOLDER] = "holder", [PIN_CHARGE_SERVICE] = "service");
NAMES(pin_shortage, [PIN_SHORTAGE_RELEASE] = "release", [PIN_SHORTAGE_KEEP] = "keep");
NAMES(evict_when, "pressure", "distress");
NAMES(evict_dirty, [EVICT_DIRTY_SKIP] = "skip", [EVICT_DIRTY_WRITE_BACK] = "write-back");
NAMES(evict_mapped, [EVICT_MAPPED_SKIP] = "skip", [EVICT_MAPPED_PAGE_OUT] = "page-out");
NAMES(access, [ACCESS_NORMAL] = "normal", [ACCESS_SEQUENTIAL] = "sequential",
      [ACCESS_RANDOM] = "random");
NAMES(rotational_disks, [ROTATIONAL_OBSERVE] = "observe", [ROTATIONAL_ENFORCE] = "enforce");
NAMES(log_level, [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning",
      [LOG_LEVEL_NOTICE] = "notice", [LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug");

_Static_assert(PIN_MAPPED_EXECUTABLES == 1 << 0 && PIN_MAPPED_LIBRARIES == 1 << 1 &&
                   EVICT_WHEN_PRESSURE == 1 << 0 && EVICT_WHEN_DISTRESS == 1 << 1,
               "the words of flags stand in the order of their bits");
_Static_assert(ELEMENTS(pin_key_words) == PIN_KEYS_MAX, "an order can have every key");
