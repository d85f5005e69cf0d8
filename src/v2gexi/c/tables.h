/* The tables that the generator writes and the engine walks. docs/exi-tables.md explains them with an example.
 *
 * Everything is constant, small integers, and refers to other tables by index, so that the tables of all message
 * sets lie in read-only memory, need no relocation but the few pointers of v2gexi_set, and are shared between
 * message sets wherever a type is the same. */
#ifndef V2GEXI_TABLES_H
#define V2GEXI_TABLES_H

#include <stdint.h>

#define V2GEXI_NONE 0xFFFFu

/* What a production consumes: an index into v2gexi_particles, or one of these. */
enum {
    V2GEXI_P_EE = 0xFFFF,       /* end of element */
    V2GEXI_P_CH = 0xFFFE,       /* characters with the type's simple content */
    V2GEXI_P_ANY = 0xFFFD,      /* SE(*): an element wildcard */
    V2GEXI_P_ANY_ATTR = 0xFFFC, /* AT(*): an attribute wildcard */
    V2GEXI_P_MIXED = 0xFFFB,    /* characters between elements, as a string */
    V2GEXI_P_FIRST_SPECIAL = 0xFFFB,
};

typedef struct {
    uint16_t particle;
    uint16_t next; /* state afterwards */
} v2gexi_production;

enum {
    V2GEXI_S_FIRST = 1,      /* first state of a type: xsi:type and xsi:nil are possible */
    V2GEXI_S_ATTRIBUTES = 2, /* undeclared attributes are possible (the state is not behind its type's content) */
    V2GEXI_S_WIDTH = 4,      /* which bit of the flags is the first of the width */
    V2GEXI_S_HAS_EE = 4,     /* one of its productions is EE */
};

/* A state of a type's grammar: productions in the order of their event codes. Codes 0 to count-1 are those; code
 * count leads to the undeclared productions (EXI 8.5.4.4.1), so the width is that of count + 1 values: 4 bits of the
 * flags, from V2GEXI_S_WIDTH on. */
typedef struct {
    uint16_t first;
    uint8_t count;
    uint8_t flags;
} v2gexi_state;

enum {
    V2GEXI_E_ATTRIBUTE = 1,
    V2GEXI_E_GLOBAL = 2, /* a global element (also as reference or member of a substitution group) */
};

/* A place for an element or attribute in a type, or a global element.
 *
 * max is the most that may follow each other (1; 0 without bound). With a bound above 1, the production leads to
 * state `next` while more may follow and to state `next + 1` after the last. */
typedef struct {
    uint16_t name; /* into v2gexi_names */
    uint16_t type;
    uint16_t value; /* into v2gexi_values where the type is simple; else V2GEXI_NONE */
    uint16_t max;
    uint8_t slot;  /* which slot of the holding type it fills; 0xFF for a global element as such */
    uint8_t flags;
} v2gexi_particle;

enum v2gexi_kind {
    V2GEXI_COMPLEX,  /* elements; attributes */
    V2GEXI_BOOLEAN,  /* max_length: 2; bits: 1 */
    V2GEXI_ENUM,     /* min: first of v2gexi_enum_values; max, max_length: their number; bits */
    V2GEXI_NBIT,     /* min, max, bits: an integer of at most 4096 values (max_length), sent as its distance from min */
    V2GEXI_UNSIGNED, /* min, max */
    V2GEXI_INTEGER,  /* min, max */
    V2GEXI_BIG,      /* an integer without bounds that fit 64 bits; flags: V2GEXI_V_UNSIGNED */
    V2GEXI_STRING,   /* min_length, max_length in characters */
    V2GEXI_HEX,      /* min_length, max_length in bytes */
    V2GEXI_BASE64,   /* the same */
    V2GEXI_DECIMAL,
    V2GEXI_FLOAT,
};

enum { V2GEXI_V_UNSIGNED = 1 };

/* A simple type: how its values are written, and what is allowed. The same facts stand once. */
typedef struct {
    int64_t min;  /* UNSIGNED: not negative */
    uint64_t max; /* INTEGER: not above INT64_MAX; no bound: the largest of the kind */
    uint32_t min_length;
    uint32_t max_length; /* 0xFFFFFFFF: no bound */
    uint8_t kind;
    uint8_t bits;
    uint8_t flags;
} v2gexi_value;

enum {
    V2GEXI_T_ABSTRACT = 1,
    V2GEXI_T_MIXED = 2,
    V2GEXI_T_ORDERED = 4, /* the order of the children says something that slots cannot: they go to one list, the slot
                             `content`: repeated choices, wildcards, mixed content */
    V2GEXI_T_SIMPLE = 8,  /* a simple type: no slots; value says how */
    V2GEXI_T_ANONYMOUS = 16, /* name is that of the element that holds it */
    V2GEXI_T_ANY = 32,    /* xs:anyType */
};

typedef struct {
    uint16_t name;
    uint16_t base;       /* type it extends or restricts; V2GEXI_NONE */
    uint16_t value;      /* simple types and simple content: into v2gexi_values; else V2GEXI_NONE */
    uint16_t start;      /* first state, attributes included; simple types: V2GEXI_NONE */
    uint16_t content;    /* first state behind the attributes */
    uint16_t first_slot; /* into v2gexi_slots */
    uint8_t slots;       /* attributes sorted by name, then text, then elements in the order of the schema */
    uint8_t flags;
} v2gexi_type;

enum {
    V2GEXI_L_LIST = 1,      /* a list: the element may stand more than once */
    V2GEXI_L_REQUIRED = 2,  /* has to be there (a list: not empty), whatever else is chosen */
    V2GEXI_L_ATTRIBUTE = 4,
    V2GEXI_L_TEXT = 8,      /* the simple content; named `value` */
    V2GEXI_L_GROUP = 16,    /* head of a substitution group: the value's class says which element it is */
    V2GEXI_L_CONTENT = 32,  /* everything of an ORDERED type but its attributes; named `content` */
};

typedef struct {
    uint16_t name;  /* into v2gexi_names: of the element, attribute or head; V2GEXI_NONE for text and content */
    uint16_t type;  /* of its values; the head's for a group; V2GEXI_NONE for content */
    uint16_t min, max; /* how many; max 0 without bound */
    uint8_t flags;
} v2gexi_slot;

/* A qualified name. */
typedef struct {
    uint16_t local; /* offset into v2gexi_strings */
    uint8_t uri;    /* into v2gexi_uris */
    uint8_t root;   /* its event code among the roots of the first message set that has it there; else 0xFF */
} v2gexi_name;

/* Names of one namespace that a message set's string table starts with (EXI 7.3.1), sorted. */
typedef struct {
    uint16_t uri;
    uint16_t count;
    uint32_t first; /* into v2gexi_partition_names: indices into v2gexi_names */
} v2gexi_partition;

typedef struct v2gexi_set {
    const char *name;              /* "iso2" */
    const uint16_t *roots;         /* global elements in the order of their event codes: into v2gexi_particles */
    const uint16_t *fragments;     /* elements of the fragment grammar, likewise; of several types: type V2GEXI_NONE */
    const uint16_t *attributes;    /* all attributes, sorted: those of an element of several types (EXI 8.5.3), see below */
    const v2gexi_partition *uris;  /* in the order of the string table: "", xml, xsi, xsd, then the schemas' */
    uint16_t root_count, fragment_count, attribute_count, uri_count;
} v2gexi_set;

/* An element whose declarations have different types (a particle of type V2GEXI_NONE) has in a fragment the relaxed
 * grammar. First state (xsi:type and xsi:nil possible): AT of each of `attributes`, AT(*), SE of each of `fragments`
 * (relaxed itself where its type is NONE), SE(*), EE, CH as a string: count = attribute_count + fragment_count + 4.
 * Attributes lead back to it, elements and characters to the second state: SE of each of `fragments`, SE(*), EE, CH;
 * count = fragment_count + 3. */

extern const v2gexi_production v2gexi_productions[];
extern const v2gexi_state v2gexi_states[];
extern const v2gexi_particle v2gexi_particles[];
extern const v2gexi_type v2gexi_types[];
extern const v2gexi_value v2gexi_values[];
extern const v2gexi_slot v2gexi_slots[];
extern const v2gexi_name v2gexi_names[];
extern const uint16_t v2gexi_partition_names[];
extern const uint16_t v2gexi_enum_values[]; /* offsets into v2gexi_strings */
extern const char v2gexi_strings[];
extern const char *const v2gexi_uris[];
extern const v2gexi_set v2gexi_sets[];
extern const uint16_t v2gexi_set_count, v2gexi_type_count, v2gexi_name_count, v2gexi_state_count,
    v2gexi_particle_count, v2gexi_value_count;

#endif
