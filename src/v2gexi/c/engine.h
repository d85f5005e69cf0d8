/* What the parts of the engine share: bit widths, grammar lookups, the walk's stack. Not installed. */
#ifndef V2GEXI_ENGINE_H
#define V2GEXI_ENGINE_H

#include "include/v2gexi.h"
#include "tables.h"

#define NONE V2GEXI_NONE

/* What is rare is compiled to be small, and what is noinline so that its caller has fewer registers to save. */
#if defined(__GNUC__)
#define COLD __attribute__((cold))
#define NOINLINE __attribute__((noinline))
#define ALIGNED __attribute__((aligned(64))) /* a tenth faster than where it falls by chance */
#else
#define COLD
#define ALIGNED
#define NOINLINE
#endif

/* States that are in no table. */
enum {
    STATE_FIRST_OWN = 0xFFF0,
    STATE_SIMPLE = 0xFFF0, /* an element of a simple type: its characters */
    STATE_SIMPLE_BEHIND,   /* the same behind something undeclared */
    STATE_END,             /* nothing but the end: behind the characters */
    STATE_NIL,             /* the same after xsi:nil="true", which more attributes may follow */
    STATE_FIRST_COMPUTED,  /* from here on, no table has the productions */
    STATE_RELAXED_TAG = STATE_FIRST_COMPUTED, /* an element of several types: what comes before its content */
    STATE_RELAXED_NIL, /* the same after xsi:nil="true" */
    STATE_RELAXED_CONTENT,
    STATE_FIRST_LEARNED,
    STATE_LEARNED_TAG = STATE_FIRST_LEARNED, /* an element unknown to the schema: what comes before its content */
    STATE_LEARNED_CONTENT,
    STATE_OUTSIDE, /* before and behind the root */
};

/* With a state: as the content of its type begins, but behind something undeclared (the spec's content2). */
#define BEHIND 0x8000u

/* Beside the options of the caller: the payload has referred to an earlier text. */
enum { OPTION_REFERRED = 0x80 };

/* Where a message is, as a walk goes through it. */
enum { PHASE_BEGIN, PHASE_INSIDE, PHASE_AFTER_ROOT, PHASE_DONE };

/* Bits that tell `count` values apart (EXI 7.1.9): 0 for one. */
static inline unsigned width_of(uint32_t count)
{
    unsigned bits = 0;
#if defined(__GNUC__)
    if (count > 1)
        bits = 32u - (unsigned)__builtin_clz(count - 1);
#else
    while (bits < 32 && ((count - 1) >> bits) != 0 && count > 1)
        bits++;
#endif
    return bits;
}

extern const v2gexi_state v2gexi_own_states[];
extern const v2gexi_production v2gexi_own_productions[];

/* The productions of a state, their number and what is possible beside them. Not for learned states; of relaxed ones
 * only what is possible beside. */
static inline const v2gexi_production *productions_of(uint16_t state, unsigned *count, unsigned *flags)
{
    const v2gexi_state *found;
    if (state < BEHIND) {
        found = &v2gexi_states[state];
        *flags = found->flags;
    } else if (state < STATE_FIRST_OWN) {
        found = &v2gexi_states[state & ~BEHIND];
        *flags = found->flags & V2GEXI_S_HAS_EE;
    } else {
        found = &v2gexi_own_states[state - STATE_FIRST_OWN];
        *flags = found->flags;
        *count = found->count;
        return &v2gexi_own_productions[found->first];
    }
    *count = found->count;
    return &v2gexi_productions[found->first];
}

static inline v2gexi_frame *top(v2gexi_walk *walk)
{
    return &walk->frames[walk->depth];
}

/* Take a production to a particle: the state moves on, and bounded elements are counted. */
static inline void advance(v2gexi_frame *frame, const v2gexi_production *production,
                           const v2gexi_particle *particle)
{
    uint16_t next = production->next;
    if (particle->max > 1) {
        if (frame->run_particle != production->particle) {
            frame->run_particle = production->particle;
            frame->run_count = 0;
        }
        if (++frame->run_count >= particle->max) {
            next++;
            frame->run_particle = NONE;
        }
    }
    frame->state = next;
}

/* Whether one type is, or derives from, another. */
static inline int v2gexi_is_a(uint16_t type, uint16_t base)
{
    while (type != base && type != NONE)
        type = v2gexi_types[type].base;
    return type == base;
}

/* Whether xsi:type may make an element of this type one of that: it derives from it, or nobody has said what it is. */
static inline int v2gexi_may_become(uint16_t declared, uint16_t type)
{
    return declared == NONE || v2gexi_types[declared].flags & V2GEXI_T_ANY || v2gexi_is_a(type, declared);
}

static inline int fail(v2gexi_walk *walk, int status)
{
    if (walk->status == V2GEXI_OK)
        walk->status = (int8_t)status;
    return walk->status;
}

/* An element begins: it gets a frame. */
int v2gexi_push(v2gexi_walk *walk, uint16_t name, uint16_t particle, uint16_t type);

/* The element that has just begun turns out to be of another type (xsi:type). */
void v2gexi_set_type(v2gexi_frame *frame, uint16_t type);

/* How many undeclared productions a state has, and which (EXI 8.5.4.4.1), in the order of their codes. */
enum { UNDECLARED_EE, UNDECLARED_TYPE, UNDECLARED_NIL, UNDECLARED_ATTRIBUTE, UNDECLARED_ATTRIBUTE_TEXT, UNDECLARED_ELEMENT,
       UNDECLARED_TEXT, UNDECLARED_KINDS };
unsigned v2gexi_undeclared(unsigned flags, uint8_t kinds[UNDECLARED_KINDS]);

/* The state behind an undeclared element or characters. */
uint16_t v2gexi_after_undeclared(const v2gexi_frame *frame);

/* Names: of the set's string table and of the message (wild.c). */
uint16_t v2gexi_name_index(const v2gexi_set *set, unsigned uri, uint32_t local, uint32_t *count);
uint32_t v2gexi_new_names_of(const v2gexi_learned *learned, unsigned uri);
uint16_t v2gexi_find_root(const v2gexi_set *set, uint16_t name);
uint16_t v2gexi_type_named(uint16_t name);

/* Grammars of elements that no schema declares (EXI 8.4.3), learned as they are seen. */
enum { LEARNED_TAG, LEARNED_CONTENT };
enum { LEARNED_EE, LEARNED_CH, LEARNED_ELEMENT, LEARNED_ATTRIBUTE };
unsigned v2gexi_learned_count(const v2gexi_learned *learned, uint16_t owner, uint8_t place);
const v2gexi_learned_production *v2gexi_learned_at(const v2gexi_learned *learned, uint16_t owner, uint8_t place,
                                                   unsigned code);
int v2gexi_learn(v2gexi_learned *learned, uint16_t owner, uint8_t place, uint8_t event, uint16_t name);

int v2gexi_walk_start(v2gexi_walk *walk, const v2gexi_set *set, int options, v2gexi_string *strings,
                      uint32_t capacity);

#endif
