/* What is measured: a codec that decodes a payload to values and encodes the same values again. */
#ifndef BENCHMARKS_EXI_CODEC_H
#define BENCHMARKS_EXI_CODEC_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;
    /* Get ready for one payload: whatever encode() is to write is there afterwards. NULL if it cannot be decoded. */
    void *(*prepare)(const char *set, const uint8_t *payload, size_t length);
    /* Decode to where all values are available to the caller. 0 or an error of the codec. */
    int (*decode)(void *prepared);
    /* Encode the values. Length, or an error (negative). */
    long (*encode)(void *prepared, uint8_t *buffer, size_t capacity);
} codec;

extern const codec codec_v2gexi;
void v2gexi_sizes(void);

#ifdef WITH_CBV2G /* its headers are there */
extern const codec codec_cbv2g;
int cbv2g_open(const char *library);
void cbv2g_sizes(void);
#endif

#endif
