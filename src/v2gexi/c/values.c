/* Reading values. */
#include "values.h"
#include "bits.h"

/* A word of the bytes that begin at a bit of a byte; at the top its first. */
static inline v2gexi_window word_in(const uint8_t *data, unsigned shift)
{
    v2gexi_window word = word_at(data);
    return shift ? word << shift | data[sizeof word] >> (8 - shift) : word;
}

static inline unsigned byte_in(const uint8_t *data, unsigned shift)
{
    return shift ? ((unsigned)data[0] << shift | data[1] >> (8 - shift)) & 0xFF : data[0];
}

/* How many of the characters at a bit are ASCII, up to the first that is not, or somewhat less; `text`: they are copied. */
static uint32_t take_ascii(const uint8_t *data, uint32_t position, uint32_t length, char *text)
{
    unsigned shift = position % 8;
    uint32_t at = 0;
    data += position / 8;
    for (; length - at >= sizeof(v2gexi_window); at += sizeof(v2gexi_window)) {
        v2gexi_window word = word_in(data + at, shift);
        if (word & BEYOND_ASCII)
            return at;
        if (text)
            store_word((uint8_t *)text + at, word);
    }
    for (; at < length; at++) {
        unsigned byte = byte_in(data + at, shift);
        if (byte & 0x80)
            return at;
        if (text)
            text[at] = (char)byte;
    }
    return at;
}

uint32_t v2gexi_character(const uint8_t *data, uint32_t *position)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        unsigned byte = byte_at(data, *position);
        *position += 8;
        value |= (uint32_t)(byte & 0x7F) << (shift < 32 ? shift : 0);
        if (!(byte & 0x80))
            break;
    }
    return value;
}

int v2gexi_skip_characters(v2gexi_decoder *d, uint32_t length)
{
    if (length > left(d) / 8)
        return fail(&d->walk, V2GEXI_E_TRUNCATED);
    uint32_t position = bit_position(d), ascii = take_ascii(d->data, position, length, NULL);
    length -= ascii;
    seek(d, position + ascii * 8);
    while (length--) {
        unsigned byte = take(d, 8);
        if (byte & 0x80) {
            /* Beyond ASCII: a code point of at most 21 bits, and none that stands for half a character. */
            uint32_t point = byte & 0x7F;
            for (unsigned shift = 7; byte & 0x80; shift += 7) {
                if (shift > 14)
                    return fail(&d->walk, V2GEXI_E_STRING);
                byte = take(d, 8);
                point |= (uint32_t)(byte & 0x7F) << shift;
            }
            if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
                return fail(&d->walk, V2GEXI_E_STRING);
        }
    }
    return d->walk.status;
}

/* The text that a reference means. In the partition of the element or attribute, or among all. */
static int refer(v2gexi_decoder *d, v2gexi_event *event, uint16_t name, int global)
{
    v2gexi_walk *walk = &d->walk;
    uint32_t count = walk->string_count;
    if (!global) {
        count = 0;
        for (uint32_t number = 0; number < walk->string_count; number++)
            count += walk->strings[number].name == name;
    }
    if (count == 0)
        return fail(walk, V2GEXI_E_STRING);
    uint32_t index = 0;
    for (unsigned bits = width_of(count); bits;) {
        unsigned part = bits > 16 ? 16 : bits;
        index = index << part | take(d, part);
        bits -= part;
    }
    if (walk->status)
        return walk->status;
    if (index >= count)
        return fail(walk, V2GEXI_E_STRING);
    const v2gexi_string *found = &walk->strings[index];
    if (!global)
        for (found = walk->strings;; found++)
            if (found->name == name && index-- == 0)
                break;
    event->position = found->position;
    event->length = found->length;
    /* A few bytes could otherwise stand for megabytes. */
    walk->referred += found->length;
    if (walk->referred > V2GEXI_REFERRED)
        return fail(walk, V2GEXI_E_MEMORY);
    walk->options |= OPTION_REFERRED;
    return V2GEXI_OK;
}

static int take_text(v2gexi_decoder *d, v2gexi_event *event, uint16_t name)
{
    v2gexi_walk *walk = &d->walk;
    uint32_t length = take_length(d);
    if (walk->status)
        return walk->status;
    if (length < 2)
        return refer(d, event, name, length == 1);
    length -= 2;
    event->position = bit_position(d);
    event->length = length;
    if (length == 0)
        return V2GEXI_OK;
    if (v2gexi_skip_characters(d, length))
        return walk->status;
    if (walk->string_count >= walk->string_capacity)
        return fail(walk, V2GEXI_E_MEMORY);
    v2gexi_string *string = &walk->strings[walk->string_count++];
    string->position = event->position;
    string->length = length;
    string->name = name;
    return V2GEXI_OK;
}

static int take_binary(v2gexi_decoder *d, v2gexi_event *event)
{
    uint32_t length = take_length(d);
    if (d->walk.status)
        return d->walk.status;
    if (length > left(d) / 8)
        return fail(&d->walk, V2GEXI_E_TRUNCATED);
    event->position = bit_position(d);
    event->length = length;
    if (length < sizeof d->window && length * 8 <= d->have) {
        /* What is in the window need not be fetched again. */
        d->window <<= length * 8;
        d->have = (uint8_t)(d->have - length * 8);
        return V2GEXI_OK;
    }
    seek(d, event->position + length * 8);
    return V2GEXI_OK;
}

/* An integer of any size stays where it is: so many groups of seven bits. */
static int take_big(v2gexi_decoder *d, v2gexi_event *event, unsigned flags)
{
    event->negative = flags & V2GEXI_V_UNSIGNED ? 0 : (uint8_t)take(d, 1);
    event->position = bit_position(d);
    event->length = 0;
    unsigned byte;
    do {
        byte = take(d, 8);
        event->length++;
    } while (byte & 0x80);
    return d->walk.status;
}

static int64_t take_integer(v2gexi_decoder *d)
{
    unsigned negative = take(d, 1);
    uint64_t magnitude = take_unsigned(d);
    if (magnitude > INT64_MAX) {
        fail(&d->walk, V2GEXI_E_OVERFLOW);
        return 0;
    }
    return negative ? -(int64_t)magnitude - 1 : (int64_t)magnitude;
}

static int outside(v2gexi_decoder *d, int status)
{
    return d->walk.options & V2GEXI_CHECK ? fail(&d->walk, status) : d->walk.status;
}

int v2gexi_take_value(v2gexi_decoder *d, v2gexi_event *event, uint16_t value_at, uint16_t name)
{
    event->value_at = value_at;
    if (value_at == NONE) {
        event->value_kind = V2GEXI_STRING;
        return take_text(d, event, name);
    }
    const v2gexi_value *value = &v2gexi_values[value_at];
    event->value_kind = value->kind;
    switch (value->kind) {
    case V2GEXI_BOOLEAN:
        event->value.u = take(d, 1);
        return d->walk.status;
    case V2GEXI_ENUM:
        event->value.u = take(d, value->bits);
        if (event->value.u >= value->max)
            return fail(&d->walk, V2GEXI_E_RANGE);
        return d->walk.status;
    case V2GEXI_NBIT:
        event->value.i = (int64_t)take(d, value->bits) + value->min;
        if (event->value.i > (int64_t)value->max)
            return fail(&d->walk, V2GEXI_E_RANGE);
        return d->walk.status;
    case V2GEXI_UNSIGNED:
        event->value.u = take_unsigned(d);
        if (event->value.u > value->max || event->value.u < (uint64_t)value->min)
            return outside(d, V2GEXI_E_RANGE);
        return d->walk.status;
    case V2GEXI_INTEGER:
        event->value.i = take_integer(d);
        if (event->value.i > (int64_t)value->max || event->value.i < value->min)
            return outside(d, V2GEXI_E_RANGE);
        return d->walk.status;
    case V2GEXI_BIG:
        return take_big(d, event, value->flags);
    case V2GEXI_DECIMAL:
        event->negative = (uint8_t)take(d, 1);
        event->value.u = take_unsigned(d);
        event->fraction = take_unsigned(d);
        return d->walk.status;
    case V2GEXI_FLOAT: {
        event->value.i = take_integer(d);
        int64_t exponent = take_integer(d);
        if (exponent < -16384 || exponent > 16383)
            return fail(&d->walk, V2GEXI_E_OVERFLOW);
        event->exponent = (int16_t)exponent;
        return d->walk.status;
    }
    case V2GEXI_STRING:
        if (take_text(d, event, name))
            return d->walk.status;
        break;
    default: /* V2GEXI_HEX, V2GEXI_BASE64 */
        if (take_binary(d, event))
            return d->walk.status;
        break;
    }
    if (event->length > value->max_length || event->length < value->min_length)
        return outside(d, V2GEXI_E_LENGTH);
    return d->walk.status;
}

void v2gexi_bytes(const v2gexi_decoder *d, const v2gexi_event *event, uint8_t *bytes)
{
    unsigned shift = event->position % 8;
    const uint8_t *data = &d->data[event->position / 8];
    if (shift == 0) {
        for (uint32_t number = 0; number < event->length; number++)
            bytes[number] = data[number];
        return;
    }
    uint32_t number = 0;
    for (; event->length - number >= sizeof(v2gexi_window); number += sizeof(v2gexi_window))
        store_word(bytes + number, word_in(data + number, shift));
    for (; number < event->length; number++)
        bytes[number] = (uint8_t)(data[number] << shift | data[number + 1] >> (8 - shift));
}

size_t v2gexi_text(const v2gexi_decoder *d, const v2gexi_event *event, char *text, size_t capacity)
{
    size_t size = 0;
    uint32_t position = event->position;
    int full = 0;
    uint32_t number = take_ascii(d->data, position, event->length <= capacity ? event->length : 0, text);
    size = number;
    position += number * 8;
    for (; number < event->length; number++) {
        uint32_t point = v2gexi_character(d->data, &position);
        unsigned char bytes[4];
        unsigned count = 1;
        if (point < 0x80) {
            bytes[0] = (unsigned char)point;
        } else if (point < 0x800) {
            bytes[0] = (unsigned char)(0xC0 | point >> 6);
            bytes[1] = (unsigned char)(0x80 | (point & 0x3F));
            count = 2;
        } else if (point < 0x10000) {
            bytes[0] = (unsigned char)(0xE0 | point >> 12);
            bytes[1] = (unsigned char)(0x80 | (point >> 6 & 0x3F));
            bytes[2] = (unsigned char)(0x80 | (point & 0x3F));
            count = 3;
        } else {
            bytes[0] = (unsigned char)(0xF0 | (point >> 18 & 7));
            bytes[1] = (unsigned char)(0x80 | (point >> 12 & 0x3F));
            bytes[2] = (unsigned char)(0x80 | (point >> 6 & 0x3F));
            bytes[3] = (unsigned char)(0x80 | (point & 0x3F));
            count = 4;
        }
        full |= size + count > capacity;
        for (unsigned byte = 0; byte < count && !full; byte++)
            text[size + byte] = (char)bytes[byte];
        size += count;
    }
    return size;
}

size_t v2gexi_magnitude(const v2gexi_decoder *d, const v2gexi_event *event, uint8_t *bytes, size_t capacity)
{
    size_t size = 0;
    /* A negative number is sent as its distance from -1 (EXI 7.1.5). */
    unsigned pending = event->negative != 0, bits = 0;
    uint32_t position = event->position;
    for (uint32_t number = 0; number < event->length || pending; number++) {
        if (number < event->length) {
            pending += (byte_at(d->data, position) & 0x7F) << bits;
            position += 8;
            bits += 7;
            if (bits < 8 && number + 1 < event->length)
                continue;
        }
        if (size < capacity)
            bytes[size] = (uint8_t)pending;
        size++;
        pending >>= 8;
        bits = bits > 8 ? bits - 8 : 0;
    }
    while (size > 0 && size <= capacity && bytes[size - 1] == 0)
        size--;
    return size;
}
