/* A whole message as one array of records, for a binding that crosses between C and Python once a message. */
#include "tape.h"

#include <stdlib.h>

#include "tables.h"

struct tape {
    v2gexi_decoder decoder;
    v2gexi_encoder encoder;
};

tape *tape_new(void) {
    return malloc(sizeof(tape));
}

void tape_free(tape *t) {
    free(t);
}

/* Number of records, or a v2gexi_status. */
int tape_decode(tape *t, const struct v2gexi_set *set, const uint8_t *payload, size_t length, tape_record *records,
                size_t capacity, char *bytes, size_t room) {
    v2gexi_event event;
    size_t count = 0, used = 0;
    int status = v2gexi_decode_start(&t->decoder, set, 0, payload, length, NULL, 0);
    while (status == V2GEXI_OK && (status = v2gexi_next(&t->decoder, &event)) == V2GEXI_OK) {
        if (event.kind == V2GEXI_DONE) {
            return (int)count;
        }
        if (count == capacity) {
            return V2GEXI_E_MEMORY;
        }
        tape_record *to = &records[count++];
        to->kind = event.kind;
        to->value_kind = event.value_kind;
        to->name = event.name;
        to->particle = event.particle;
        to->type = event.type;
        to->value_at = event.value_at;
        if (event.kind == V2GEXI_START || event.kind == V2GEXI_END) {
            continue;
        }
        to->value = event.value.i;
        if (event.value_kind == V2GEXI_STRING) {
            to->at = (uint32_t)used;
            to->length = (uint32_t)v2gexi_text(&t->decoder, &event, bytes + used, room - used);
            if (to->length > room - used) {
                return V2GEXI_E_MEMORY;
            }
            used += to->length;
        } else if (event.value_kind == V2GEXI_HEX || event.value_kind == V2GEXI_BASE64) {
            if (event.length > room - used) {
                return V2GEXI_E_MEMORY;
            }
            to->at = (uint32_t)used;
            to->length = event.length;
            v2gexi_bytes(&t->decoder, &event, (uint8_t *)bytes + used);
            used += event.length;
        }
    }
    return status;
}

/* Length of the payload, or a v2gexi_status. */
int tape_encode(tape *t, const struct v2gexi_set *set, const tape_record *records, size_t count, const char *bytes,
                uint8_t *buffer, size_t capacity) {
    v2gexi_encoder *encoder = &t->encoder;
    int status = v2gexi_encode_start(encoder, set, 0, buffer, capacity, NULL, 0);
    for (const tape_record *from = records; from < records + count && status == V2GEXI_OK; from++) {
        if (from->kind == V2GEXI_START) {
            status = v2gexi_begin(encoder, from->name);
        } else if (from->kind == V2GEXI_END) {
            status = v2gexi_end(encoder);
        } else if (from->value_kind == V2GEXI_STRING) {
            status = v2gexi_put_text(encoder, from->name, bytes + from->at, from->length);
        } else if (from->value_kind == V2GEXI_HEX || from->value_kind == V2GEXI_BASE64) {
            status = v2gexi_put_bytes(encoder, from->name, (const uint8_t *)bytes + from->at, from->length);
        } else if (from->value_kind == V2GEXI_NBIT || from->value_kind == V2GEXI_INTEGER) {
            status = v2gexi_put_int(encoder, from->name, from->value);
        } else {
            status = v2gexi_put_uint(encoder, from->name, (uint64_t)from->value);
        }
    }
    return status == V2GEXI_OK ? v2gexi_encode_finish(encoder) : status;
}
