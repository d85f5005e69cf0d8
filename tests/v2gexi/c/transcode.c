#include "transcode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"

enum { NO = 0xFFFF };

static void demand(int holds, const char *what, const uint8_t *payload, size_t length)
{
    if (holds)
        return;
    fprintf(stderr, "%s:", what);
    for (size_t at = 0; at < length; at++)
        fprintf(stderr, " %02x", (unsigned)payload[at]);
    fprintf(stderr, "\n");
    abort();
}

/* Room for values; it grows and is kept. */
static void *room(unsigned which, size_t size)
{
    static void *buffers[3];
    static size_t sizes[3];
    if (sizes[which] < size || !buffers[which]) {
        sizes[which] = size * 2 + 64;
        buffers[which] = realloc(buffers[which], sizes[which]);
        if (!buffers[which])
            exit(3);
    }
    return buffers[which];
}

static void add(uint64_t *digest, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t at = 0; at < size; at++)
        *digest = (*digest ^ bytes[at]) * 1099511628211u;
}

static void add_number(uint64_t *digest, uint64_t number)
{
    unsigned char bytes[8];
    for (unsigned at = 0; at < sizeof bytes; at++)
        bytes[at] = (unsigned char)(number >> (8 * at));
    add(digest, bytes, sizeof bytes);
}

typedef struct {
    v2gexi_decoder decoder;
    v2gexi_encoder encoder;
    v2gexi_event event;
    size_t longest; /* name of the payload */
    int encode;
    unsigned depth;
    transcoded result;
} run;

static void names_of(run *r, const char **uri, const char **local)
{
    *uri = v2gexi_namespace(&r->decoder, r->event.name, room(0, r->longest), r->longest);
    *local = v2gexi_local_name(&r->decoder, r->event.name, room(1, r->longest), r->longest);
}

/* Fetch the value, put it. */
static void pass_value(run *r, uint16_t name)
{
    const v2gexi_event *event = &r->event;
    v2gexi_encoder *e = &r->encoder;
    uint64_t *digest = &r->result.digest;
    add_number(digest, event->value_kind);
    switch (event->value_kind) {
    case V2GEXI_NBIT:
    case V2GEXI_INTEGER:
        add_number(digest, (uint64_t)event->value.i);
        if (r->encode)
            v2gexi_put_int(e, name, event->value.i);
        break;
    case V2GEXI_BOOLEAN:
    case V2GEXI_ENUM:
    case V2GEXI_UNSIGNED:
        add_number(digest, event->value.u);
        if (r->encode)
            v2gexi_put_uint(e, name, event->value.u);
        break;
    case V2GEXI_FLOAT:
        add_number(digest, (uint64_t)event->value.i);
        add_number(digest, (uint64_t)event->exponent);
        if (r->encode)
            v2gexi_put_float(e, name, event->value.i, event->exponent);
        break;
    case V2GEXI_DECIMAL:
        add_number(digest, event->negative);
        add_number(digest, event->value.u);
        add_number(digest, event->fraction);
        if (r->encode)
            v2gexi_put_decimal(e, name, event->negative, event->value.u, event->fraction);
        break;
    case V2GEXI_BIG: {
        size_t size = v2gexi_magnitude(&r->decoder, event, NULL, 0);
        uint8_t *bytes = room(2, size);
        size = v2gexi_magnitude(&r->decoder, event, bytes, size);
        add_number(digest, event->negative);
        add(digest, bytes, size);
        if (r->encode)
            v2gexi_put_big(e, name, event->negative, bytes, size);
        break;
    }
    case V2GEXI_STRING: {
        size_t size = v2gexi_text(&r->decoder, event, NULL, 0);
        char *text = room(2, size);
        v2gexi_text(&r->decoder, event, text, size);
        add(digest, text, size);
        if (!r->encode)
            break;
        const char *uri, *local;
        names_of(r, &uri, &local);
        if (event->kind == V2GEXI_ATTRIBUTE && event->value_at == NO)
            v2gexi_put_any_attribute(e, uri, local, text, size);
        else if (event->kind == V2GEXI_TEXT && event->value_at == NO)
            v2gexi_put_any_text(e, text, size);
        else
            v2gexi_put_text(e, name, text, size);
        break;
    }
    default: {
        uint8_t *bytes = room(2, event->length);
        v2gexi_bytes(&r->decoder, event, bytes);
        add(digest, bytes, event->length);
        if (r->encode)
            v2gexi_put_bytes(e, name, bytes, event->length);
        break;
    }
    }
}

/* Names are compared as texts: two payloads may number theirs differently. */
static void pass(run *r)
{
    const v2gexi_event *event = &r->event;
    v2gexi_encoder *e = &r->encoder;
    const char *uri, *local;
    /* A global element that the root is not stands at a wildcard. */
    int wild = r->depth > 0 && (event->particle == NO || v2gexi_particles[event->particle].slot == 0xFF);
    wild |= event->particle == NO;
    names_of(r, &uri, &local);
    add_number(&r->result.digest, event->kind == V2GEXI_VALUE ? V2GEXI_START : event->kind);
    if (event->kind != V2GEXI_END && event->kind != V2GEXI_TEXT) {
        add(&r->result.digest, uri, strlen(uri));
        add(&r->result.digest, local, strlen(local));
    }
    switch (event->kind) {
    case V2GEXI_START:
        r->depth++;
        r->result.undeclared |= wild;
        if (r->encode)
            (void)(wild ? v2gexi_begin_any(e, uri, local) : v2gexi_begin(e, event->name));
        break;
    case V2GEXI_VALUE:
        r->result.undeclared |= wild;
        if (wild && r->encode)
            v2gexi_begin_any(e, uri, local);
        add_number(&r->result.digest, V2GEXI_TEXT);
        pass_value(r, wild ? V2GEXI_CONTENT : event->name);
        add_number(&r->result.digest, V2GEXI_END);
        if (wild && r->encode)
            v2gexi_end(e);
        break;
    case V2GEXI_ATTRIBUTE:
        r->result.undeclared |= event->value_at == NO;
        pass_value(r, event->name);
        break;
    case V2GEXI_TEXT:
        r->result.undeclared |= event->value_at == NO;
        pass_value(r, V2GEXI_CONTENT);
        break;
    case V2GEXI_RETYPE:
        r->result.undeclared = 1;
        if (r->encode)
            v2gexi_retype_any(e, uri, local);
        break;
    case V2GEXI_NIL:
        r->result.undeclared = 1;
        add_number(&r->result.digest, event->value.u);
        if (r->encode)
            v2gexi_put_nil(e, (int)event->value.u);
        break;
    default:
        r->depth--;
        if (r->encode)
            v2gexi_end(e);
        break;
    }
}

transcoded transcode(const struct v2gexi_set *set, int decode_options, int encode_options, const uint8_t *payload,
                     size_t length, uint8_t *out, size_t capacity)
{
    static run r;
    size_t events = 0;
    /* Whatever the engine does not set shall be noticed. */
    memset(&r, 0xA5, sizeof r);
    memset(&r.result, 0, sizeof r.result);
    r.result.digest = 14695981039346656037u;
    r.encode = out != NULL;
    r.depth = 0;
    r.longest = length * 4 + 1;
    if (out)
        v2gexi_encode_start(&r.encoder, set, encode_options, out, capacity, NULL, 0);
    int status = v2gexi_decode_start(&r.decoder, set, decode_options, payload, length, NULL, 0);
    while (!status) {
        status = v2gexi_next(&r.decoder, &r.event);
        if (status || r.event.kind == V2GEXI_DONE)
            break;
        demand(++events <= length * 8, "an event without a bit", payload, length);
        pass(&r);
    }
    r.result.status = status;
    r.result.position = v2gexi_position(&r.decoder);
    demand(r.result.position <= length * 8, "a position behind the payload", payload, length);
    demand(v2gexi_next(&r.decoder, &r.event) == (status ? status : V2GEXI_E_END), "it goes on", payload, length);
    if (out)
        r.result.written = status ? status : (int)v2gexi_encode_finish(&r.encoder);
    return r.result;
}

int there_and_back(const struct v2gexi_set *set, int options, const uint8_t *payload, size_t length)
{
    size_t capacity = length * 8 + 256;
    uint8_t *exact = malloc(length ? length : 1), *first = malloc(capacity), *second = malloc(capacity);
    if (!exact || !first || !second)
        exit(3);
    /* A copy that ends where the payload ends: who reads on is seen. */
    memcpy(exact, payload, length);
    int writing = (options & (V2GEXI_FRAGMENT | V2GEXI_LITERAL)) | V2GEXI_LENIENT;
    transcoded once = transcode(set, options, writing, exact, length, first, capacity);
    if (once.status == V2GEXI_OK) {
        /* Who codes what the schema declares as if it did not cannot expect that it can be said again. */
        int may_fail = once.undeclared && (once.written == V2GEXI_E_ORDER || once.written == V2GEXI_E_MISSING ||
                                           once.written == V2GEXI_E_KIND || once.written == V2GEXI_E_SPACE);
        demand(once.written > 0 || may_fail, "it cannot be encoded", payload, length);
        if (once.written > 0) {
            transcoded twice = transcode(set, options, writing, first, (size_t)once.written, second, capacity);
            demand(twice.status == V2GEXI_OK && twice.digest == once.digest, "other content", payload, length);
            demand(twice.written == once.written && memcmp(first, second, (size_t)once.written) == 0, "other bytes", payload,
                   length);
        }
    }
    free(exact);
    free(first);
    free(second);
    return once.status;
}
