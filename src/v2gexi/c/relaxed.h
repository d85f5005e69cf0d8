/* Elements that a schema declares with several types, in fragments. Not installed. */
#ifndef V2GEXI_RELAXED_H
#define V2GEXI_RELAXED_H

#include "engine.h"

static inline int v2gexi_is_relaxed(const v2gexi_frame *frame)
{
    return frame->state >= STATE_FIRST_COMPUTED && frame->state < STATE_FIRST_LEARNED;
}

/* The state behind xsi:nil="true". */
static inline uint16_t v2gexi_nil_state(const v2gexi_frame *frame)
{
    return v2gexi_is_relaxed(frame) ? STATE_RELAXED_NIL : STATE_NIL;
}

int v2gexi_next_relaxed(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame);

/* How many productions the state has. */
unsigned v2gexi_relaxed_count(const v2gexi_walk *walk, const v2gexi_frame *frame);

/* The number of an attribute among those of the set; NONE. */
unsigned v2gexi_relaxed_attribute(const v2gexi_set *set, uint16_t name);

/* Whether there is such an attribute and its type is a text. */
int v2gexi_relaxed_takes_text(const v2gexi_set *set, uint16_t name);

/* Go to the attribute or element of that name: its particle, NULL if there is none. Attributes come first. */
enum { RELAXED_ATTRIBUTES = 1, RELAXED_ELEMENTS = 2 };
const v2gexi_particle *v2gexi_relaxed_enter(v2gexi_encoder *e, v2gexi_frame *frame, uint16_t name, int what);

/* v2gexi_encode_special() for these elements. */
int v2gexi_relaxed_special(v2gexi_encoder *e, v2gexi_frame *frame, uint16_t special);

#endif
