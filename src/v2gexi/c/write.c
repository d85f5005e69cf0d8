/* Writing values. */
#include "bits.h"
#include "values.h"

static const v2gexi_value text_value = {0, 0, 0, 0xFFFFFFFF, V2GEXI_STRING, 0, 0};

/* Too long, too short, too large or too small. The callers go on where that is allowed. */
static inline int outside(v2gexi_encoder *e, int status)
{
    return e->walk.options & V2GEXI_LENIENT ? V2GEXI_OK : fail(&e->walk, status);
}

static inline const v2gexi_value *value_of(uint16_t value_at)
{
    return value_at == NONE ? &text_value : &v2gexi_values[value_at];
}

int v2gexi_write_uint(v2gexi_encoder *e, uint16_t value_at, uint64_t number)
{
    const v2gexi_value *value = value_of(value_at);
    switch (value->kind) {
    case V2GEXI_BOOLEAN:
        if (number > 1)
            return fail(&e->walk, V2GEXI_E_RANGE);
        put(e, 1, (unsigned)number);
        break;
    case V2GEXI_ENUM:
        if (number >= value->max)
            return fail(&e->walk, V2GEXI_E_RANGE);
        put(e, value->bits, (unsigned)number);
        break;
    case V2GEXI_UNSIGNED:
        if ((number > value->max || number < (uint64_t)value->min) && outside(e, V2GEXI_E_RANGE))
            return e->walk.status;
        put_unsigned(e, number);
        break;
    case V2GEXI_BIG:
        if (!(value->flags & V2GEXI_V_UNSIGNED))
            put(e, 1, 0);
        put_unsigned(e, number);
        break;
    default:
        if (number > INT64_MAX)
            return fail(&e->walk, value->kind == V2GEXI_NBIT || value->kind == V2GEXI_INTEGER ? V2GEXI_E_RANGE : V2GEXI_E_KIND);
        return v2gexi_write_int(e, value_at, (int64_t)number);
    }
    return e->walk.status;
}

int v2gexi_write_int(v2gexi_encoder *e, uint16_t value_at, int64_t number)
{
    const v2gexi_value *value = value_of(value_at);
    switch (value->kind) {
    case V2GEXI_NBIT:
        if (number < value->min || number > (int64_t)value->max)
            return fail(&e->walk, V2GEXI_E_RANGE);
        put(e, value->bits, (unsigned)(number - value->min));
        break;
    case V2GEXI_BIG:
        if (value->flags & V2GEXI_V_UNSIGNED) {
            if (number < 0)
                return fail(&e->walk, V2GEXI_E_RANGE);
            put_unsigned(e, (uint64_t)number);
            break;
        }
        put(e, 1, number < 0);
        put_unsigned(e, number < 0 ? (uint64_t)(-(number + 1)) : (uint64_t)number);
        break;
    case V2GEXI_INTEGER:
        if ((number < value->min || number > (int64_t)value->max) && outside(e, V2GEXI_E_RANGE))
            return e->walk.status;
        put(e, 1, number < 0);
        put_unsigned(e, number < 0 ? (uint64_t)(-(number + 1)) : (uint64_t)number);
        break;
    case V2GEXI_BOOLEAN:
    case V2GEXI_ENUM:
    case V2GEXI_UNSIGNED:
        if (number < 0)
            return fail(&e->walk, V2GEXI_E_RANGE);
        return v2gexi_write_uint(e, value_at, (uint64_t)number);
    default:
        return fail(&e->walk, V2GEXI_E_KIND);
    }
    return e->walk.status;
}

int v2gexi_write_big(v2gexi_encoder *e, uint16_t value_at, int negative, const uint8_t *magnitude, size_t length)
{
    const v2gexi_value *value = value_of(value_at);
    if (value->kind != V2GEXI_BIG)
        return fail(&e->walk, V2GEXI_E_KIND);
    while (length > 0 && magnitude[length - 1] == 0)
        length--;
    if (value->flags & V2GEXI_V_UNSIGNED) {
        if (negative && length > 0)
            return fail(&e->walk, V2GEXI_E_RANGE);
        negative = 0;
    } else {
        put(e, 1, negative && length > 0);
    }
    /* A negative number is sent as its distance from -1 (EXI 7.1.5). */
    unsigned borrow = negative && length > 0;
    unsigned pending = 0, bits = 0;
    size_t at = 0, last = length;
    if (borrow) {
        /* 256^n loses its uppermost byte. */
        size_t low = 0;
        while (low < length && magnitude[low] == 0)
            low++;
        if (low == length - 1 && magnitude[low] == 1)
            last = length - 1;
    }
    for (;;) {
        if (bits < 7 && at < last) {
            unsigned byte = magnitude[at++];
            if (borrow) {
                borrow = byte == 0;
                byte = (byte - 1) & 0xFF;
            }
            pending |= byte << bits;
            bits += 8;
        }
        unsigned more = at < last || pending > 0x7F;
        put(e, 8, (pending & 0x7F) | (more ? 0x80u : 0));
        if (!more)
            return e->walk.status;
        pending >>= 7;
        bits = bits > 7 ? bits - 7 : 0;
    }
}

/* The next character of UTF-8; NO_CHARACTER: it is none. */
static uint32_t next_character(const uint8_t **at, const uint8_t *end)
{
    uint32_t point = *(*at)++;
    unsigned more = point >= 0xF0 ? 3 : point >= 0xE0 ? 2 : point >= 0xC0 ? 1 : 0;
    if (point < 0x80)
        return point;
    if (more == 0 || point > 0xF4 || (size_t)(end - *at) < more)
        return NO_CHARACTER;
    point &= 0x3Fu >> more;
    unsigned length = more;
    while (more--) {
        if ((**at & 0xC0) != 0x80)
            return NO_CHARACTER;
        point = point << 6 | (*(*at)++ & 0x3F);
    }
    static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        return NO_CHARACTER;
    return point;
}

/* A byte of what has been written, whole bytes in the buffer and the rest in the window. */
static unsigned whole_byte(const v2gexi_encoder *e, uint32_t byte)
{
    if (byte < e->at)
        return e->data[byte];
    unsigned before = (byte - e->at) * 8;
    if (before >= e->have)
        return 0;
    unsigned left = e->have - before;
    return (unsigned)(left >= 8 ? e->window >> (left - 8) : e->window << (8 - left)) & 0xFF;
}

static unsigned written_byte(const v2gexi_encoder *e, uint32_t position)
{
    unsigned shift = position % 8, first = whole_byte(e, position / 8);
    return shift ? (first << shift | whole_byte(e, position / 8 + 1) >> (8 - shift)) & 0xFF : first;
}

int v2gexi_written_is(const v2gexi_encoder *e, uint32_t position, const uint8_t *utf8, const uint8_t *end)
{
    while (utf8 < end) {
        uint32_t point = next_character(&utf8, end);
        for (;; position += 8, point >>= 7) {
            unsigned byte = written_byte(e, position);
            if (byte != ((point & 0x7F) | (point > 0x7F ? 0x80u : 0)))
                return 0;
            if (point <= 0x7F)
                break;
        }
        position += 8;
    }
    return 1;
}

void v2gexi_flush(v2gexi_encoder *e)
{
    unsigned bytes = e->have / 8;
    if (e->end - e->at >= sizeof e->window) {
        /* Behind the bytes that count others are written too, and overwritten later. */
        if (bytes) {
            store_word(e->data + e->at, e->window << (WINDOW_BITS - e->have));
            e->at += bytes;
            e->have %= 8;
        }
        return;
    }
    for (; bytes; bytes--) {
        e->have = (uint8_t)(e->have - 8);
        if (e->at < e->end)
            e->data[e->at++] = (uint8_t)(e->window >> e->have);
        else
            fail(&e->walk, V2GEXI_E_SPACE);
    }
}

static void put_bytes(v2gexi_encoder *e, const uint8_t *bytes, size_t length)
{
    v2gexi_flush(e);
    unsigned have = e->have;
    for (; length >= sizeof e->window && e->end - e->at > sizeof e->window; length -= sizeof e->window) {
        v2gexi_window word = word_at(bytes);
        store_word(e->data + e->at, e->window << 1 << (WINDOW_BITS - 1 - have) | word >> have);
        e->window = word;
        e->at += sizeof e->window;
        bytes += sizeof e->window;
    }
    while (length--)
        put(e, 8, *bytes++);
}

static void put_wide(v2gexi_encoder *e, unsigned bits, uint32_t value)
{
    if (bits > 16) {
        put(e, bits - 16, value >> 16);
        bits = 16;
    }
    put(e, bits, value & 0xFFFF);
}

/* Refer to an earlier text of the same element or attribute, or else to any. Whether there was one. */
static int refer(v2gexi_encoder *e, uint16_t name, const uint8_t *utf8, const uint8_t *end, uint32_t length, uint32_t hash)
{
    v2gexi_walk *walk = &e->walk;
    uint32_t found = walk->string_count, local = 0, local_count = 0;
    for (uint32_t number = 0; number < walk->string_count; number++) {
        const v2gexi_string *string = &walk->strings[number];
        if (string->hash == hash && string->length == length &&
            (found == walk->string_count || (string->name == name && walk->strings[found].name != name)) &&
            v2gexi_written_is(e, string->position, utf8, end)) {
            found = number;
            local = local_count;
        }
        local_count += string->name == name;
    }
    if (found == walk->string_count)
        return 0;
    if (walk->strings[found].name == name) {
        put_unsigned(e, 0);
        put_wide(e, width_of(local_count), local);
    } else {
        put_unsigned(e, 1);
        put_wide(e, width_of(walk->string_count), found);
    }
    return 1;
}

uint32_t v2gexi_measure(const uint8_t *at, const uint8_t *end, uint32_t *hash)
{
    uint32_t characters = 0;
    *hash = 2166136261u; /* like FNV-1a, with words of ASCII at once */
    for (; (size_t)(end - at) >= sizeof(v2gexi_window); at += sizeof(v2gexi_window)) {
        v2gexi_window word = word_at(at);
        if (word & BEYOND_ASCII)
            break;
        word ^= word >> (WINDOW_BITS / 2 - 1);
        *hash = (*hash ^ (uint32_t)word) * 16777619u;
        characters += (uint32_t)sizeof word;
    }
    while (at < end) {
        uint32_t point = next_character(&at, end);
        if (point == NO_CHARACTER)
            return NO_CHARACTER;
        *hash = (*hash ^ point) * 16777619u;
        characters++;
    }
    return characters;
}

void v2gexi_put_characters(v2gexi_encoder *e, const uint8_t *at, const uint8_t *end)
{
    const uint8_t *other = at;
    while ((size_t)(end - other) >= sizeof(v2gexi_window) && !(word_at(other) & BEYOND_ASCII))
        other += sizeof(v2gexi_window);
    put_bytes(e, at, (size_t)(other - at));
    while (other < end)
        put_unsigned(e, next_character(&other, end));
}

int v2gexi_write_text(v2gexi_encoder *e, uint16_t value_at, uint16_t name, const char *utf8, size_t length)
{
    const v2gexi_value *value = value_of(value_at);
    v2gexi_walk *walk = &e->walk;
    if (value->kind != V2GEXI_STRING)
        return fail(walk, V2GEXI_E_KIND);
    if (length > LONGEST_TEXT)
        return fail(walk, V2GEXI_E_LENGTH);
    const uint8_t *at = (const uint8_t *)utf8, *end = at + length;
    uint32_t hash, characters = v2gexi_measure(at, end, &hash);
    if (characters == NO_CHARACTER)
        return fail(walk, V2GEXI_E_STRING);
    if ((characters > value->max_length || characters < value->min_length) && outside(e, V2GEXI_E_LENGTH))
        return walk->status;
    int literal = walk->options & V2GEXI_LITERAL;
    if (characters > 0 && !literal && refer(e, name, at, end, characters, hash))
        return walk->status;
    put_unsigned(e, (uint64_t)characters + 2);
    if (characters > 0 && !literal) {
        if (walk->string_count >= walk->string_capacity)
            return fail(walk, V2GEXI_E_MEMORY);
        v2gexi_string *string = &walk->strings[walk->string_count++];
        string->position = written_bits(e);
        string->hash = hash;
        string->length = characters;
        string->name = name;
    }
    v2gexi_put_characters(e, at, end);
    return walk->status;
}

int v2gexi_write_bytes(v2gexi_encoder *e, uint16_t value_at, const uint8_t *bytes, size_t length)
{
    const v2gexi_value *value = value_of(value_at);
    if (value->kind != V2GEXI_HEX && value->kind != V2GEXI_BASE64)
        return fail(&e->walk, V2GEXI_E_KIND);
    if ((length > value->max_length || length < value->min_length) && outside(e, V2GEXI_E_LENGTH))
        return e->walk.status;
    put_unsigned(e, length);
    put_bytes(e, bytes, length);
    return e->walk.status;
}

int v2gexi_write_float(v2gexi_encoder *e, uint16_t value_at, int64_t mantissa, int exponent)
{
    if (value_of(value_at)->kind != V2GEXI_FLOAT)
        return fail(&e->walk, V2GEXI_E_KIND);
    if (exponent < -16384 || exponent > 16383)
        return fail(&e->walk, V2GEXI_E_RANGE);
    put(e, 1, mantissa < 0);
    put_unsigned(e, mantissa < 0 ? (uint64_t)(-(mantissa + 1)) : (uint64_t)mantissa);
    put(e, 1, exponent < 0);
    put_unsigned(e, exponent < 0 ? (uint64_t)(-(exponent + 1)) : (uint64_t)exponent);
    return e->walk.status;
}

int v2gexi_write_decimal(v2gexi_encoder *e, uint16_t value_at, int negative, uint64_t integral, uint64_t fraction)
{
    if (value_of(value_at)->kind != V2GEXI_DECIMAL)
        return fail(&e->walk, V2GEXI_E_KIND);
    put(e, 1, negative != 0);
    put_unsigned(e, integral);
    put_unsigned(e, fraction);
    return e->walk.status;
}
