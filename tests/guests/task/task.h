/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the halves of the task guest share. */
#include "tests/guests/runtime/selectors.h"

#define SEL_TASK 0x30
#define SEL_TASK_LDT 0x38
#define VEC_TASK 0x90
