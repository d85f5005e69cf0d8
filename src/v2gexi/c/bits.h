/* Reading and writing bits, most significant first. The window is as wide as the processor likes. */
#ifndef V2GEXI_BITS_H
#define V2GEXI_BITS_H

#include "engine.h"

enum { WINDOW_BITS = sizeof(v2gexi_window) * 8 };

/* A word that begins at any byte, without a load that the processor or C forbids. */
static inline v2gexi_window word_at(const uint8_t *b)
{
#if UINT_FAST32_MAX > 0xFFFFFFFF && !defined(V2GEXI_NARROW)
    return (v2gexi_window)b[0] << 56 | (v2gexi_window)b[1] << 48 | (v2gexi_window)b[2] << 40 | (v2gexi_window)b[3] << 32 |
           (v2gexi_window)b[4] << 24 | (v2gexi_window)b[5] << 16 | (v2gexi_window)b[6] << 8 | b[7];
#else
    return (v2gexi_window)b[0] << 24 | (v2gexi_window)b[1] << 16 | (v2gexi_window)b[2] << 8 | b[3];
#endif
}

/* In every byte of a word the bit that ASCII does not have. */
#define BEYOND_ASCII ((v2gexi_window)-1 / 0xFF * 0x80)

/* The decoder's window has the next bits at its top, `have` of them. What is below is 0 or what follows, so that
 * bytes can be or'ed in again. */

/* As many whole bytes as there is room for: at least WINDOW_BITS - 7 bits, but near the payload's end. */
void v2gexi_refill(v2gexi_decoder *d);

static inline uint32_t bit_position(const v2gexi_decoder *d)
{
    return d->at * 8 - d->have;
}

/* The topmost bits, at least one. */
static inline unsigned peek(v2gexi_window window, unsigned bits)
{
    return (unsigned)(window >> (WINDOW_BITS - bits));
}

/* The same, or none: a value that can be only one takes no bits, and a shift by the whole width is none. */
static inline unsigned peek_any(v2gexi_window window, unsigned bits)
{
    return (unsigned)(window >> 1 >> (WINDOW_BITS - 1 - bits));
}

/* At most 16 bits. At the end of the payload: 0, and the walk has failed. */
static inline unsigned take(v2gexi_decoder *d, unsigned bits)
{
    if (d->have < bits) {
        v2gexi_refill(d);
        if (d->have < bits) {
            fail(&d->walk, V2GEXI_E_TRUNCATED);
            return 0;
        }
    }
    unsigned value = (unsigned)(d->window >> 1 >> (WINDOW_BITS - 1 - bits));
    d->window <<= bits;
    d->have = (uint8_t)(d->have - bits);
    return value;
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
        d->window = (v2gexi_window)d->data[d->at++] << (WINDOW_BITS - 8) << position % 8;
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

static inline void store_word(uint8_t *b, v2gexi_window word)
{
#if UINT_FAST32_MAX > 0xFFFFFFFF && !defined(V2GEXI_NARROW)
    b[0] = (uint8_t)(word >> 56), b[1] = (uint8_t)(word >> 48), b[2] = (uint8_t)(word >> 40), b[3] = (uint8_t)(word >> 32);
    b += 4;
#endif
    b[0] = (uint8_t)(word >> 24), b[1] = (uint8_t)(word >> 16), b[2] = (uint8_t)(word >> 8), b[3] = (uint8_t)word;
}

/* The whole bytes of the window go to the buffer; less than 8 bits stay. The window's lowest `have` bits count. */
void v2gexi_flush(v2gexi_encoder *e);

/* At most WINDOW_BITS - 7 bits, of which the upper ones are 0. */
static inline void put(v2gexi_encoder *e, unsigned bits, v2gexi_window value)
{
    if (e->have + bits > WINDOW_BITS)
        v2gexi_flush(e);
    e->window = e->window << bits | value;
    e->have = (uint8_t)(e->have + bits);
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
