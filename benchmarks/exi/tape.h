/* A whole message as one array of records. */
#ifndef BENCHMARKS_EXI_TAPE_H
#define BENCHMARKS_EXI_TAPE_H

#include "v2gexi.h"

typedef struct tape tape;

typedef struct {
    int64_t value;
    uint32_t at, length; /* of text and bytes */
    uint16_t name, particle, type, value_at;
    uint8_t kind, value_kind;
} tape_record;

tape *tape_new(void);
void tape_free(tape *t);
int tape_decode(tape *t, const struct v2gexi_set *set, const uint8_t *payload, size_t length, tape_record *records,
                size_t capacity, char *bytes, size_t room);
int tape_encode(tape *t, const struct v2gexi_set *set, const tape_record *records, size_t count, const char *bytes,
                uint8_t *buffer, size_t capacity);

#endif
