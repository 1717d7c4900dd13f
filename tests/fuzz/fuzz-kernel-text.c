/* SPDX-License-Identifier: MIT */
/* Pressure lines, memory.stat and meminfo: any text is parsed or refused, and what is refused
 * leaves the output as it was. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "kernel/meminfo.h"
#include "kernel/memstat.h"
#include "kernel/psi.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *text = malloc(size + 1);
    PsiTotals psi, psi_before;
    Sample sample, sample_before;
    MemInfo info, info_before;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';

    memset(&psi_before, 0x5a, sizeof psi_before);
    psi_before.valid = false;
    memcpy(&psi, &psi_before, sizeof psi);
    if (psi_parse(text, &psi) == 0)
        must_hold(psi.valid);
    else
        must_hold(memcmp(&psi, &psi_before, sizeof psi) == 0);

    memset(&sample_before, 0x5a, sizeof sample_before);
    sample_before.memory_psi.valid = sample_before.io_psi.valid = false;
    memcpy(&sample, &sample_before, sizeof sample);
    if (memstat_parse(text, &sample) < 0)
        must_hold(memcmp(&sample, &sample_before, sizeof sample) == 0);
    must_hold(sample.current == sample_before.current);

    memset(&info_before, 0x5a, sizeof info_before);
    memcpy(&info, &info_before, sizeof info);
    if (meminfo_parse(text, &info) < 0)
        must_hold(memcmp(&info, &info_before, sizeof info) == 0);
    return 0;
}
