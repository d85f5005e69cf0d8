/* Values of simple types, in both directions (EXI 7.1). Not installed. */
#ifndef V2GEXI_VALUES_H
#define V2GEXI_VALUES_H

#include "engine.h"

/* Read a value of v2gexi_values[value_at] into an event; NONE: a text. `name`: whose partition its text belongs to. */
int v2gexi_take_value(v2gexi_decoder *d, v2gexi_event *event, uint16_t value_at, uint16_t name);

/* Read the characters of a text whose length is known, unless they are only skipped. */
int v2gexi_skip_characters(v2gexi_decoder *d, uint32_t length);

/* A character at a bit of the payload; `position` moves on. */
uint32_t v2gexi_character(const uint8_t *data, uint32_t *position);

/* What no count of characters and no character is. */
#define NO_CHARACTER 0xFFFFFFFFu
/* Bytes of UTF-8; more fit no payload. */
#define LONGEST_TEXT 0x7FFFFFFu

/* How many characters UTF-8 has, and their hash; NO_CHARACTER: it is no UTF-8. */
uint32_t v2gexi_measure(const uint8_t *utf8, const uint8_t *end, uint32_t *hash);

/* Write the characters of valid UTF-8, without their number. */
void v2gexi_put_characters(v2gexi_encoder *e, const uint8_t *utf8, const uint8_t *end);

/* Whether these characters were written at that bit; as many were. */
int v2gexi_written_is(const v2gexi_encoder *e, uint32_t position, const uint8_t *utf8, const uint8_t *end);

/* Write a value as v2gexi_values[value_at] says, NONE as a text. E_KIND if it is not of such a kind. */
int v2gexi_write_int(v2gexi_encoder *e, uint16_t value_at, int64_t number);
int v2gexi_write_uint(v2gexi_encoder *e, uint16_t value_at, uint64_t number);
int v2gexi_write_big(v2gexi_encoder *e, uint16_t value_at, int negative, const uint8_t *magnitude, size_t length);
int v2gexi_write_text(v2gexi_encoder *e, uint16_t value_at, uint16_t name, const char *utf8, size_t length);
int v2gexi_write_bytes(v2gexi_encoder *e, uint16_t value_at, const uint8_t *bytes, size_t length);
int v2gexi_write_float(v2gexi_encoder *e, uint16_t value_at, int64_t mantissa, int exponent);
int v2gexi_write_decimal(v2gexi_encoder *e, uint16_t value_at, int negative, uint64_t integral, uint64_t fraction);

#endif
