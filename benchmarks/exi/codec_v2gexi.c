/* v2gexi, used from C: every value of the message goes into a record of the caller, and from such a record back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "tables.h"
#include "v2gexi.h"

enum { ITEMS = 1024, BYTES = 8192 };

typedef struct {
    uint8_t kind, value_kind, negative;
    int16_t exponent;
    uint16_t name, type;
    uint32_t at, length; /* of text and bytes */
    union {
        int64_t i;
        uint64_t u;
    } value;
    uint64_t fraction;
} item;

/* What a caller keeps of a message. */
typedef struct {
    item items[ITEMS];
    uint8_t bytes[BYTES];
    size_t count, used;
} record;

typedef struct {
    const struct v2gexi_set *set;
    const uint8_t *payload;
    size_t length;
    int options; /* of the encoder */
    record values, decoded;
    v2gexi_decoder decoder;
    v2gexi_encoder encoder;
} message;

/* A text or binary into the record: V2GEXI_E_MEMORY if there is no room. */
static int keep_bytes(record *r, item *to, const v2gexi_decoder *decoder, const v2gexi_event *event) {
    uint8_t *room = r->bytes + r->used;
    size_t left = BYTES - r->used, length = event->length;
    switch (event->value_kind) {
        case V2GEXI_STRING:
            length = v2gexi_text(decoder, event, (char *)room, left);
            break;
        case V2GEXI_BIG:
            length = v2gexi_magnitude(decoder, event, room, left);
            to->negative = event->negative;
            break;
        default:
            if (length <= left) {
                v2gexi_bytes(decoder, event, room);
            }
    }
    if (length > left) {
        return V2GEXI_E_MEMORY;
    }
    to->at = (uint32_t)r->used;
    to->length = (uint32_t)length;
    r->used += length;
    return V2GEXI_OK;
}

static int decode_into(message *m, record *r) {
    v2gexi_event event;
    int status = v2gexi_decode_start(&m->decoder, m->set, 0, m->payload, m->length, NULL, 0);
    r->used = 0;
    for (item *to = r->items; status == V2GEXI_OK && to < r->items + ITEMS; to++) {
        if ((status = v2gexi_next(&m->decoder, &event)) != V2GEXI_OK) {
            return status;
        }
        to->kind = event.kind;
        to->name = event.name;
        switch (event.kind) {
            case V2GEXI_START:
            case V2GEXI_END:
                continue;
            case V2GEXI_DONE:
                r->count = (size_t)(to - r->items);
                return V2GEXI_OK;
            default:
                break;
        }
        to->value_kind = event.value_kind;
        to->type = event.type;
        if (event.value_kind <= V2GEXI_INTEGER) {
            to->value.u = event.value.u;
        } else if (event.value_kind == V2GEXI_FLOAT || event.value_kind == V2GEXI_DECIMAL) {
            to->value.u = event.value.u;
            to->fraction = event.fraction;
            to->exponent = event.exponent;
            to->negative = event.negative;
        } else {
            status = keep_bytes(r, to, &m->decoder, &event);
        }
    }
    return status == V2GEXI_OK ? V2GEXI_E_MEMORY : status;
}

static int put(v2gexi_encoder *encoder, const record *r, const item *from) {
    uint16_t name = from->kind == V2GEXI_TEXT ? V2GEXI_CONTENT : from->name;
    switch (from->value_kind) {
        case V2GEXI_STRING:
            return v2gexi_put_text(encoder, name, (const char *)r->bytes + from->at, from->length);
        case V2GEXI_HEX:
        case V2GEXI_BASE64:
            return v2gexi_put_bytes(encoder, name, r->bytes + from->at, from->length);
        case V2GEXI_BIG:
            return v2gexi_put_big(encoder, name, from->negative, r->bytes + from->at, from->length);
        case V2GEXI_FLOAT:
            return v2gexi_put_float(encoder, name, from->value.i, from->exponent);
        case V2GEXI_DECIMAL:
            return v2gexi_put_decimal(encoder, name, from->negative, from->value.u, from->fraction);
        case V2GEXI_NBIT:
        case V2GEXI_INTEGER:
            return v2gexi_put_int(encoder, name, from->value.i);
        default:
            return v2gexi_put_uint(encoder, name, from->value.u);
    }
}

static long encode(void *prepared, uint8_t *buffer, size_t capacity) {
    message *m = prepared;
    const record *r = &m->values;
    v2gexi_encoder *encoder = &m->encoder;
    int status = v2gexi_encode_start(encoder, m->set, m->options, buffer, capacity, NULL, 0);
    for (const item *from = r->items; from < r->items + r->count && status == V2GEXI_OK; from++) {
        switch (from->kind) {
            case V2GEXI_START:
                status = v2gexi_begin(encoder, from->name);
                break;
            case V2GEXI_END:
                status = v2gexi_end(encoder);
                break;
            case V2GEXI_RETYPE:
                status = v2gexi_retype(encoder, from->type);
                break;
            default:
                status = put(encoder, r, from);
        }
    }
    return status == V2GEXI_OK ? (long)v2gexi_encode_finish(encoder) : status;
}

static int decode(void *prepared) {
    message *m = prepared;
    return decode_into(m, &m->decoded);
}

void v2gexi_sizes(void) {
    printf("v2gexi decoder %zu\nv2gexi encoder %zu\n", sizeof(v2gexi_decoder), sizeof(v2gexi_encoder));
}

/* Texts are referred to, or written out every time, as the payload does it. */
static void *prepare(const char *set, const uint8_t *payload, size_t length) {
    static uint8_t again[BYTES];
    message *m = calloc(1, sizeof *m);
    if (!m || !(m->set = v2gexi_find_set(set))) {
        return NULL;
    }
    m->payload = payload;
    m->length = length;
    if (decode_into(m, &m->values)) {
        return NULL;
    }
    long written = encode(m, again, sizeof again);
    m->options = (size_t)written == length && memcmp(again, payload, length) == 0 ? 0 : V2GEXI_LITERAL;
    return m;
}

const codec codec_v2gexi = {"v2gexi", prepare, decode, encode};
