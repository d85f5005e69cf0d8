/* Reading and writing bits, most significant first. The window is as wide as the processor likes. */
#ifndef V2GEXI_BITS_H
#define V2GEXI_BITS_H

#include "engine.h"

enum { WINDOW_BITS = sizeof(v2gexi_window) * 8 };

static inline void refill(v2gexi_decoder *d)
{
    while (d->have <= WINDOW_BITS - 16 && d->at < d->end) {
        d->window = d->window << 8 | d->data[d->at++];
        d->have += 8;
    }
}

static inline uint32_t bit_position(const v2gexi_decoder *d)
{
    return d->at * 8 - d->have;
}

/* At most 16 bits. At the end of the payload: 0, and the walk has failed. */
static inline unsigned take(v2gexi_decoder *d, unsigned bits)
{
    if (d->have < bits) {
        refill(d);
        if (d->have < bits) {
            fail(&d->walk, V2GEXI_E_TRUNCATED);
            return 0;
        }
    }
    d->have = (uint8_t)(d->have - bits);
    return (unsigned)(d->window >> d->have) & ((1u << bits) - 1);
}

/* Bits that are left. */
static inline uint32_t left(const v2gexi_decoder *d)
{
    return (d->end - d->at) * 8 + d->have;
}

static inline void seek(v2gexi_decoder *d, uint32_t position)
{
    d->at = position / 8;
    d->have = 0;
    d->window = 0;
    if (position % 8) {
        d->window = d->data[d->at++];
        d->have = (uint8_t)(8 - position % 8);
    }
}

/* Unsigned Integer (EXI 7.1.6): seven bits a byte, the least significant first. */
static inline uint64_t take_unsigned(v2gexi_decoder *d)
{
    unsigned byte = take(d, 8);
    uint64_t value = byte & 0x7F;
    for (unsigned shift = 7; byte & 0x80; shift += 7) {
        byte = take(d, 8);
        if (shift >= 63 && (shift > 63 || (byte & 0x7F) > 1)) {
            fail(&d->walk, V2GEXI_E_OVERFLOW);
            return 0;
        }
        value |= (uint64_t)(byte & 0x7F) << shift;
    }
    return value;
}

/* A length or an index: what does not fit 32 bits cannot be one. */
static inline uint32_t take_length(v2gexi_decoder *d)
{
    uint64_t value = take_unsigned(d);
    if (value > 0x7FFFFFFF) {
        fail(&d->walk, V2GEXI_E_OVERFLOW);
        return 0;
    }
    return (uint32_t)value;
}

/* The byte that begins at any bit. The caller knows that it lies within the payload. */
static inline unsigned byte_at(const uint8_t *data, uint32_t position)
{
    unsigned shift = position % 8;
    const uint8_t *byte = &data[position / 8];
    return shift ? ((unsigned)(byte[0] << shift) | byte[1] >> (8 - shift)) & 0xFF : byte[0];
}

/* At most 16 bits, of which the upper ones are 0. */
static inline void put(v2gexi_encoder *e, unsigned bits, unsigned value)
{
    e->window = e->window << bits | value;
    e->have = (uint8_t)(e->have + bits);
    while (e->have >= 8) {
        e->have = (uint8_t)(e->have - 8);
        if (e->at < e->end)
            e->data[e->at++] = (uint8_t)(e->window >> e->have);
        else
            fail(&e->walk, V2GEXI_E_SPACE);
    }
}

static inline uint32_t written_bits(const v2gexi_encoder *e)
{
    return e->at * 8 + e->have;
}

static inline void put_unsigned(v2gexi_encoder *e, uint64_t value)
{
    for (; value > 0x7F; value >>= 7)
        put(e, 8, (unsigned)(value & 0x7F) | 0x80);
    put(e, 8, (unsigned)value);
}

#endif
