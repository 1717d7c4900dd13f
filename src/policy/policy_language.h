/* SPDX-License-Identifier: MIT */
#pragma once

/* Mappings of the policy language whose tables stand in a file of their own. */

#include "policy/fields.h"

/* policy_language_pins.c */
extern const Mapping pin_mapping;      /* decodes into the Policy */
extern const Mapping pin_file_mapping; /* decodes into a PinRule */
