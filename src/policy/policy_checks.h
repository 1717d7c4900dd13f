/* SPDX-License-Identifier: MIT */
#pragma once

/* What spans several keys of a policy. */

#include "policy/fields.h"

/* Mapping.check of the entries of pin.files and evict, of memory_high, and of the policy. */
int check_pin_file(Decoder *decoder, const Mapping *mapping, const Node *node, const Seen *seen,
                   void *object);
int check_evict(Decoder *decoder, const Mapping *mapping, const Node *node, const Seen *seen,
                void *object);
int check_limit(Decoder *decoder, const Mapping *mapping, const Node *node, const Seen *seen,
                void *object);
int check_policy(Decoder *decoder, const Mapping *mapping, const Node *node, const Seen *seen,
                 void *object);
