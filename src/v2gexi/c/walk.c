/* What decoding and encoding share: the way through the grammars. */
#include "engine.h"

#include <string.h>

const v2gexi_state v2gexi_own_states[] = {
    {0, 1, V2GEXI_S_FIRST | V2GEXI_S_ATTRIBUTES}, /* STATE_SIMPLE */
    {0, 1, 0},                                    /* STATE_SIMPLE_BEHIND */
    {1, 1, V2GEXI_S_HAS_EE},                      /* STATE_END */
    {1, 1, V2GEXI_S_HAS_EE | V2GEXI_S_ATTRIBUTES}, /* STATE_NIL */
    {0, 0, V2GEXI_S_FIRST | V2GEXI_S_HAS_EE | V2GEXI_S_ATTRIBUTES}, /* STATE_RELAXED_TAG */
    {0, 0, V2GEXI_S_HAS_EE | V2GEXI_S_ATTRIBUTES}, /* STATE_RELAXED_NIL */
    {0, 0, V2GEXI_S_HAS_EE},                      /* STATE_RELAXED_CONTENT */
};
const v2gexi_production v2gexi_own_productions[] = {
    {V2GEXI_P_CH, STATE_END},
    {V2GEXI_P_EE, STATE_END},
};

int v2gexi_walk_start(v2gexi_walk *walk, const v2gexi_set *set, int options, v2gexi_string *strings,
                      uint32_t capacity)
{
    walk->set = set;
    walk->strings = strings;
    walk->string_capacity = capacity;
    walk->string_count = 0;
    walk->referred = 0;
    walk->learned.production_count = 0;
    walk->learned.name_count = 0;
    walk->learned.uri_count = 0;
    walk->depth = 0;
    walk->frames[0].state = STATE_OUTSIDE;
    walk->phase = PHASE_BEGIN;
    walk->options = (uint8_t)options;
    walk->status = V2GEXI_OK;
    return V2GEXI_OK;
}

void v2gexi_set_type(v2gexi_frame *frame, uint16_t type)
{
    frame->type = type;
    frame->run_particle = NONE;
    frame->run_count = 0;
    if (type == NONE)
        frame->state = STATE_LEARNED_TAG;
    else if (v2gexi_types[type].flags & V2GEXI_T_SIMPLE)
        frame->state = STATE_SIMPLE;
    else
        frame->state = v2gexi_types[type].start;
}

int v2gexi_push(v2gexi_walk *walk, uint16_t name, uint16_t particle, uint16_t type)
{
    if (walk->depth >= V2GEXI_DEPTH)
        return fail(walk, V2GEXI_E_DEPTH);
    v2gexi_frame *frame = &walk->frames[++walk->depth];
    frame->name = name;
    frame->particle = particle;
    v2gexi_set_type(frame, type);
    if (type == NONE && particle != NONE)
        frame->state = STATE_RELAXED_TAG;
    return V2GEXI_OK;
}

unsigned v2gexi_undeclared(unsigned flags, uint8_t kinds[UNDECLARED_KINDS])
{
    unsigned count = 0;
    if (!(flags & V2GEXI_S_HAS_EE))
        kinds[count++] = UNDECLARED_EE;
    if (flags & V2GEXI_S_FIRST) {
        kinds[count++] = UNDECLARED_TYPE;
        kinds[count++] = UNDECLARED_NIL;
    }
    if (flags & V2GEXI_S_ATTRIBUTES) {
        kinds[count++] = UNDECLARED_ATTRIBUTE;
        kinds[count++] = UNDECLARED_ATTRIBUTE_TEXT;
    }
    kinds[count++] = UNDECLARED_ELEMENT;
    kinds[count++] = UNDECLARED_TEXT;
    return count;
}

uint16_t v2gexi_after_undeclared(const v2gexi_frame *frame)
{
    unsigned count, flags;
    productions_of(frame->state, &count, &flags);
    if (!(flags & V2GEXI_S_ATTRIBUTES))
        return frame->state;
    if (frame->state == STATE_SIMPLE)
        return STATE_SIMPLE_BEHIND;
    if (frame->state == STATE_NIL || frame->state == STATE_RELAXED_NIL)
        return STATE_END;
    if (frame->state == STATE_RELAXED_TAG)
        return STATE_RELAXED_CONTENT;
    return (uint16_t)(v2gexi_types[frame->type].content | BEHIND);
}

const char *v2gexi_status_text(int status)
{
    switch (status) {
    case V2GEXI_OK: return "no error";
    case V2GEXI_E_HEADER: return "the payload does not begin with the EXI header 0x80";
    case V2GEXI_E_TRUNCATED: return "the payload ends within the message";
    case V2GEXI_E_CODE: return "the grammar has no such event here";
    case V2GEXI_E_RANGE: return "the value is outside of the range that the schema allows";
    case V2GEXI_E_LENGTH: return "the value is not as long as the schema allows";
    case V2GEXI_E_OVERFLOW: return "the number is larger than any message can mean";
    case V2GEXI_E_STRING: return "there is no such text to refer to, or no such character";
    case V2GEXI_E_NAME: return "there is no such name to refer to";
    case V2GEXI_E_DEPTH: return "the elements are nested too deep";
    case V2GEXI_E_MEMORY: return "the message has more texts, or more unknown elements, than there is room for";
    case V2GEXI_E_SPACE: return "the buffer is too small for the payload";
    case V2GEXI_E_ORDER: return "the element or attribute is not allowed here";
    case V2GEXI_E_MISSING: return "the element ends before it has everything it must have";
    case V2GEXI_E_KIND: return "the value is not of the kind that the schema asks for";
    case V2GEXI_E_END: return "the message is over";
    default: return "unknown status";
    }
}

const struct v2gexi_set *v2gexi_find_set(const char *name)
{
    for (uint16_t number = 0; number < v2gexi_set_count; number++)
        if (strcmp(v2gexi_sets[number].name, name) == 0)
            return &v2gexi_sets[number];
    return NULL;
}

const char *v2gexi_enum_text(uint16_t value_at, uint64_t index)
{
    const v2gexi_value *value = &v2gexi_values[value_at];
    if (value->kind != V2GEXI_ENUM || index >= value->max)
        return NULL;
    return &v2gexi_strings[v2gexi_enum_values[(uint64_t)value->min + index]];
}
