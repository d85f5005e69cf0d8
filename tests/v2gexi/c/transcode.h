/* Decoding a payload and pushing what comes into an encoder, by the public interface alone. */
#ifndef TRANSCODE_H
#define TRANSCODE_H

#include <stddef.h>
#include <stdint.h>

#include "v2gexi.h"

typedef struct {
    int status;       /* of decoding */
    int written;      /* of encoding: bytes, or a status */
    int undeclared;   /* something came that the schema does not declare at its place */
    uint32_t position; /* bit at which decoding ended */
    uint64_t digest;  /* of all events: names, values; the same for the same content */
} transcoded;

/* `out` may be NULL: decode only. Ends the program where an invariant does not hold: an error has a position in the
 * payload and stays; no event comes without a bit of the payload. */
transcoded transcode(const struct v2gexi_set *set, int decode_options, int encode_options, const uint8_t *payload,
                     size_t length, uint8_t *out, size_t capacity);

/* Decode; if that works, encode, decode and encode again: the same content, the same bytes. Ends the program if not.
 * Returns the status of the first decoding. */
int there_and_back(const struct v2gexi_set *set, int options, const uint8_t *payload, size_t length);

#endif
