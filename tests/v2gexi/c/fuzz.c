/* Targets for libFuzzer. The first byte says which message set (document or fragment) and which options.
 *
 * FUZZ_DECODE: decoding alone. Otherwise: decoding, encoding, decoding again. */
#include "tables.h"
#include "transcode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return -1;
    unsigned set = data[0] & 15, options = data[0] >> 4 & 7; /* V2GEXI_FRAGMENT, _CHECK, _LITERAL */
    if (set >= v2gexi_set_count)
        return -1;
#ifdef FUZZ_DECODE
    transcode(&v2gexi_sets[set], (int)options, 0, data + 1, size - 1, NULL, 0);
#else
    there_and_back(&v2gexi_sets[set], (int)options, data + 1, size - 1);
#endif
    return 0;
}
