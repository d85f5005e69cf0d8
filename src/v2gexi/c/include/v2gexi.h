/* v2gexi: EXI for vehicle-to-grid messages (DIN SPEC 70121, ISO 15118-2, ISO 15118-20), for use from C.
 *
 * Decoding pulls one event after the other out of a payload; encoding pushes them. Neither allocates memory nor
 * recurses nor keeps global state: everything lives in the structs and buffers of the caller, and a message of any
 * size needs the same few kilobytes. Values that have no fixed size (text, binary) are not copied: an event says
 * where in the payload they lie, and v2gexi_text() or v2gexi_bytes() fetch them.
 *
 * Names, types and message sets are numbers: names.h has constants for them.
 */
#ifndef V2GEXI_H
#define V2GEXI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define V2GEXI_DEPTH 32    /* elements may be nested so deep; the messages of the standards need 12 */
#define V2GEXI_LEARNED 48  /* productions that elements unknown to the schema may teach in one message */
#define V2GEXI_NEW_NAMES 24 /* names that no schema has, in one message */
#define V2GEXI_NEW_URIS 8
#define V2GEXI_REFERRED 0x40000 /* characters that the references to texts in one message may stand for together */
#define V2GEXI_STRINGS 256 /* texts of one message that can be referred to; more with a larger table of the caller */
#define V2GEXI_DYNAMIC 0xE000u /* names from here on are those of the message: see v2gexi_local_name() */

typedef enum {
    V2GEXI_OK = 0,
    V2GEXI_E_HEADER = -1,    /* not the EXI header 0x80 */
    V2GEXI_E_TRUNCATED = -2, /* the payload ends within the message */
    V2GEXI_E_CODE = -3,      /* an event code that the grammar does not have */
    V2GEXI_E_RANGE = -4,     /* a value outside of what the schema allows */
    V2GEXI_E_LENGTH = -5,    /* a text or binary longer or shorter than the schema allows */
    V2GEXI_E_OVERFLOW = -6,  /* a number that no message can mean */
    V2GEXI_E_STRING = -7,    /* a reference to a text that there was not, or an invalid character */
    V2GEXI_E_NAME = -8,      /* a reference to a name that there is not */
    V2GEXI_E_DEPTH = -9,     /* nested deeper than V2GEXI_DEPTH */
    V2GEXI_E_MEMORY = -10,   /* a table of the caller is full: the texts, or what unknown elements teach */
    V2GEXI_E_SPACE = -11,    /* encoding: the buffer is full */
    V2GEXI_E_ORDER = -12,    /* encoding: the grammar does not allow this element or attribute here */
    V2GEXI_E_MISSING = -13,  /* encoding: the element ends before it has all it must have */
    V2GEXI_E_KIND = -14,     /* encoding: a value of another kind than the schema's */
    V2GEXI_E_END = -15       /* called after the end, or after an error */
} v2gexi_status;

/* How a status reads. */
const char *v2gexi_status_text(int status);

typedef enum {
    V2GEXI_START,     /* an element with children or attributes begins; an END follows */
    V2GEXI_VALUE,     /* an element with nothing but a value, whole */
    V2GEXI_ATTRIBUTE, /* of the element that has just begun */
    V2GEXI_TEXT,      /* the value of an element that had a START, or characters between its children */
    V2GEXI_RETYPE,    /* xsi:type: the element that has just begun is of the type `type` */
    V2GEXI_NIL,       /* xsi:nil="true" (value.u = 1) or "false" */
    V2GEXI_END,
    V2GEXI_DONE
} v2gexi_event_kind;

typedef struct {
    uint8_t kind;      /* v2gexi_event_kind */
    uint8_t value_kind; /* enum v2gexi_kind (tables.h) of the value */
    uint8_t negative;  /* of a BIG, DECIMAL */
    uint16_t name;     /* into v2gexi_names, or V2GEXI_DYNAMIC and above */
    uint16_t type;     /* into v2gexi_types; 0xFFFF for what no schema declares */
    uint16_t value_at; /* into v2gexi_values; 0xFFFF likewise */
    uint16_t particle; /* into v2gexi_particles; 0xFFFF likewise */
    union {
        int64_t i;  /* NBIT, INTEGER; FLOAT: the mantissa */
        uint64_t u; /* BOOLEAN, UNSIGNED; ENUM: the index of the value; DECIMAL: the digits before the point */
    } value;
    uint64_t fraction; /* DECIMAL: the digits behind the point, backwards */
    uint32_t position; /* STRING, HEX, BASE64, BIG: bit of the payload at which the value lies */
    uint32_t length;   /* characters; bytes; groups of seven bits */
    int16_t exponent;  /* FLOAT */
} v2gexi_event;

/* Bits on their way; as many as the processor handles at once. */
#ifdef V2GEXI_NARROW
typedef uint32_t v2gexi_window; /* as on 32-bit processors */
#else
typedef uint_fast32_t v2gexi_window;
#endif

/* A text of the message that later ones may refer to (EXI 7.3.3). */
typedef struct {
    uint32_t position; /* bit of the payload */
    uint32_t hash;
    uint32_t length; /* characters */
    uint16_t name;   /* of the element or attribute */
} v2gexi_string;

/* Below: what the engine keeps between two calls. Not for callers. */

typedef struct {
    uint16_t state, type, particle, name;
    uint16_t run_particle, run_count; /* how many of a bounded element have followed each other */
} v2gexi_frame;

typedef struct {
    uint16_t owner; /* name of the element */
    uint16_t name;  /* what is expected; or an EE or CH */
    uint8_t place;
    uint8_t event;
} v2gexi_learned_production;

typedef struct {
    uint32_t position, length;
    uint16_t uri;
} v2gexi_new_name;

/* What a message adds to names and grammars of its set. */
typedef struct {
    v2gexi_learned_production productions[V2GEXI_LEARNED];
    v2gexi_new_name names[V2GEXI_NEW_NAMES];
    v2gexi_new_name uris[V2GEXI_NEW_URIS];
    uint8_t production_count, name_count, uri_count;
} v2gexi_learned;

typedef struct {
    const struct v2gexi_set *set;
    v2gexi_string *strings;
    uint32_t string_capacity, string_count;
    uint32_t referred; /* characters that references have stood for */
    v2gexi_learned learned;
    v2gexi_frame frames[V2GEXI_DEPTH + 1]; /* the first: outside of the root */
    uint8_t depth;
    uint8_t phase;
    uint8_t options;
    int8_t status;
} v2gexi_walk;

typedef struct {
    v2gexi_walk walk;
    const uint8_t *data;
    uint32_t at, end; /* next byte; length */
    v2gexi_window window;
    uint8_t have;
    v2gexi_string own_strings[V2GEXI_STRINGS];
} v2gexi_decoder;

typedef struct {
    v2gexi_walk walk;
    uint8_t *data;
    uint32_t at, end;
    v2gexi_window window;
    uint8_t have;
    v2gexi_string own_strings[V2GEXI_STRINGS];
} v2gexi_encoder;

enum {
    V2GEXI_FRAGMENT = 1, /* the payload is a fragment: one element that need not be a message (for signatures) */
    V2GEXI_CHECK = 2,    /* decoding: refuse numbers and lengths that EXI can say and the schema forbids */
    V2GEXI_LITERAL = 4,  /* encoding: write every text out, never refer to an earlier one */
    V2GEXI_LENIENT = 8   /* encoding: take what the schema forbids and EXI can say */
};

/* The message set of that name ("app", "din", "iso2", "iso20-common", ...), or NULL. */
const struct v2gexi_set *v2gexi_find_set(const char *name);

/* Begin to decode. `strings` may be NULL: then there is room for V2GEXI_STRINGS texts. The payload has to stay. */
int v2gexi_decode_start(v2gexi_decoder *decoder, const struct v2gexi_set *set, int options, const uint8_t *payload,
                        size_t length, v2gexi_string *strings, uint32_t capacity);

/* The next event. Returns V2GEXI_OK, or what is wrong; v2gexi_position() then says where. After DONE: E_END. */
int v2gexi_next(v2gexi_decoder *decoder, v2gexi_event *event);

/* Bit of the payload up to which it was read; after an error, where it was found. */
uint32_t v2gexi_position(const v2gexi_decoder *decoder);

/* Copy a binary value. `bytes` has room for event->length. */
void v2gexi_bytes(const v2gexi_decoder *decoder, const v2gexi_event *event, uint8_t *bytes);

/* Copy a text as UTF-8, not terminated: at most `capacity` bytes, whole characters. Returns the bytes of the whole
 * text; nothing was cut off if that is at most `capacity`. A character takes at most 4. */
size_t v2gexi_text(const v2gexi_decoder *decoder, const v2gexi_event *event, char *text, size_t capacity);

/* The magnitude of a BIG, least significant byte first. Returns the bytes of the whole number, 0 for zero. */
size_t v2gexi_magnitude(const v2gexi_decoder *decoder, const v2gexi_event *event, uint8_t *bytes, size_t capacity);

/* Local name and namespace. Names of the message itself are copied into `text`. */
const char *v2gexi_local_name(const v2gexi_decoder *decoder, uint16_t name, char *text, size_t capacity);
const char *v2gexi_namespace(const v2gexi_decoder *decoder, uint16_t name, char *text, size_t capacity);

/* The word of an enumeration's value, NULL if there is none of that index. */
const char *v2gexi_enum_text(uint16_t value_at, uint64_t index);

/* Begin to encode into a buffer. */
int v2gexi_encode_start(v2gexi_encoder *encoder, const struct v2gexi_set *set, int options, uint8_t *buffer,
                        size_t capacity, v2gexi_string *strings, uint32_t string_capacity);

/* An element with children or attributes begins; it ends with v2gexi_end(). All names: into v2gexi_names. */
int v2gexi_begin(v2gexi_encoder *encoder, uint16_t name);
int v2gexi_end(v2gexi_encoder *encoder);

/* An element that is nothing but a value, or an attribute: which of them says the grammar. Inside an element with
 * simple content, name V2GEXI_CONTENT puts that content. */
#define V2GEXI_CONTENT 0xFFFFu
int v2gexi_put_int(v2gexi_encoder *encoder, uint16_t name, int64_t value);    /* NBIT, INTEGER, UNSIGNED, BIG */
int v2gexi_put_uint(v2gexi_encoder *encoder, uint16_t name, uint64_t value);  /* the same, BOOLEAN, ENUM (index) */
int v2gexi_put_big(v2gexi_encoder *encoder, uint16_t name, int negative, const uint8_t *magnitude, size_t length);
int v2gexi_put_text(v2gexi_encoder *encoder, uint16_t name, const char *utf8, size_t length);
int v2gexi_put_bytes(v2gexi_encoder *encoder, uint16_t name, const uint8_t *bytes, size_t length);
int v2gexi_put_float(v2gexi_encoder *encoder, uint16_t name, int64_t mantissa, int exponent);
int v2gexi_put_decimal(v2gexi_encoder *encoder, uint16_t name, int negative, uint64_t integral, uint64_t reversed_fraction);

/* The element that has just begun is of that type, derived from its own (xsi:type). By its name, it may be one that
 * the schema does not have; then it changes nothing. */
int v2gexi_retype(v2gexi_encoder *encoder, uint16_t type);
int v2gexi_retype_any(v2gexi_encoder *encoder, const char *uri, const char *local);

/* xsi:nil of the element that has just begun; behind nil = 1 it must end without content. */
int v2gexi_put_nil(v2gexi_encoder *encoder, int nil);

/* What the grammar does not declare by name: elements and attributes for its wildcards, and all that stands in elements
 * of which no schema says anything. Names and namespaces are UTF-8. An element that documents of the message set can
 * consist of has the content that the schema says: the other functions write it. v2gexi_end() ends all of them.
 *
 * Where the schema has no wildcard, this is an error, unless V2GEXI_LENIENT is given; then EXI's codes for undeclared
 * content are used, which the schema does not allow and not every peer can read. */
int v2gexi_begin_any(v2gexi_encoder *encoder, const char *uri, const char *local);
int v2gexi_put_any_attribute(v2gexi_encoder *encoder, const char *uri, const char *local, const char *utf8, size_t length);
int v2gexi_put_any_text(v2gexi_encoder *encoder, const char *utf8, size_t length);

/* Finish: the length of the payload, or what is wrong. */
int32_t v2gexi_encode_finish(v2gexi_encoder *encoder);

#ifdef __cplusplus
}
#endif

#endif
