/* Elements that a schema declares with several types, in fragments (EXI 8.5.3): one grammar takes them all.
 *
 * Attributes of the message set, each of its type; then elements of its fragments and texts in any order and number.
 * tables.h has the productions in their order. */
#include "relaxed.h"
#include "bits.h"
#include "undeclared.h"
#include "values.h"

/* The codes of a state: attributes, elements, the end, characters. */
typedef struct {
    unsigned attributes, elements; /* how many; the last is any attribute, any element */
    unsigned end, count;           /* code of the end; `end` + 1, if there is one, is that of characters */
} codes;

static codes codes_of(const v2gexi_walk *walk, const v2gexi_frame *frame)
{
    codes c;
    int nil = frame->state == STATE_RELAXED_NIL;
    c.attributes = frame->state == STATE_RELAXED_CONTENT ? 0 : walk->set->attribute_count + 1u;
    c.elements = nil ? 0 : walk->set->fragment_count + 1u;
    c.end = c.attributes + c.elements;
    c.count = c.end + (nil ? 1 : 2);
    return c;
}

COLD unsigned v2gexi_relaxed_count(const v2gexi_walk *walk, const v2gexi_frame *frame)
{
    return codes_of(walk, frame).count;
}

COLD int v2gexi_next_relaxed(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame)
{
    const v2gexi_set *set = d->walk.set;
    codes c = codes_of(&d->walk, frame);
    unsigned code = take(d, width_of(c.count + 1));
    if (d->walk.status)
        return d->walk.status;
    if (code > c.count)
        return fail(&d->walk, V2GEXI_E_CODE);
    if (code == c.count)
        return v2gexi_next_undeclared(d, event, frame);
    if (code < c.attributes) {
        if (code == c.attributes - 1)
            return v2gexi_any_attribute(d, event, frame);
        const v2gexi_particle *particle = &v2gexi_particles[set->attributes[code]];
        event->kind = V2GEXI_ATTRIBUTE;
        event->name = particle->name;
        event->particle = set->attributes[code];
        event->type = particle->type;
        return v2gexi_take_value(d, event, v2gexi_types[particle->type].value, particle->name);
    }
    if (code == c.end)
        return v2gexi_end_element(d, event, frame);
    frame->state = STATE_RELAXED_CONTENT;
    if (code == c.end - 1)
        return v2gexi_start_any(d, event);
    if (code < c.end) {
        uint16_t particle = set->fragments[code - c.attributes];
        return v2gexi_start_element(d, event, v2gexi_particles[particle].name, particle);
    }
    event->kind = V2GEXI_TEXT;
    event->name = frame->name;
    event->particle = frame->particle;
    event->type = NONE;
    return v2gexi_take_value(d, event, NONE, frame->name);
}

COLD static unsigned find(const uint16_t *particles, unsigned count, uint16_t name)
{
    unsigned number = 0;
    while (number < count && v2gexi_particles[particles[number]].name != name)
        number++;
    return number < count ? number : NONE;
}

COLD unsigned v2gexi_relaxed_attribute(const v2gexi_set *set, uint16_t name)
{
    return find(set->attributes, set->attribute_count, name);
}

COLD int v2gexi_relaxed_takes_text(const v2gexi_set *set, uint16_t name)
{
    unsigned number = v2gexi_relaxed_attribute(set, name);
    if (number == NONE)
        return 0;
    const v2gexi_type *type = &v2gexi_types[v2gexi_particles[set->attributes[number]].type];
    return v2gexi_values[type->value].kind == V2GEXI_STRING;
}

const v2gexi_particle *v2gexi_relaxed_enter(v2gexi_encoder *e, v2gexi_frame *frame, uint16_t name, int what)
{
    const v2gexi_set *set = e->walk.set;
    codes c = codes_of(&e->walk, frame);
    unsigned code = NONE;
    uint16_t particle = NONE;
    if (c.attributes && what & RELAXED_ATTRIBUTES) {
        code = v2gexi_relaxed_attribute(set, name);
        if (code != NONE)
            particle = set->attributes[code];
    }
    if (code == NONE && c.elements && what & RELAXED_ELEMENTS) {
        code = find(set->fragments, set->fragment_count, name);
        if (code != NONE) {
            particle = set->fragments[code];
            code += c.attributes;
            frame->state = STATE_RELAXED_CONTENT;
        }
    }
    if (code == NONE)
        return NULL;
    put(e, width_of(c.count + 1), code);
    return &v2gexi_particles[particle];
}

COLD int v2gexi_relaxed_special(v2gexi_encoder *e, v2gexi_frame *frame, uint16_t special)
{
    codes c = codes_of(&e->walk, frame);
    unsigned code = c.end; /* V2GEXI_P_EE */
    if (special == V2GEXI_P_ANY_ATTR)
        code = c.attributes ? c.attributes - 1 : c.count;
    else if (special == V2GEXI_P_ANY)
        code = c.elements ? c.end - 1 : c.count;
    else if (special != V2GEXI_P_EE) /* V2GEXI_P_CH, V2GEXI_P_MIXED */
        code = c.end + 1;
    if (code >= c.count)
        return V2GEXI_E_ORDER;
    if (code >= c.attributes && special != V2GEXI_P_EE)
        frame->state = STATE_RELAXED_CONTENT;
    put(e, width_of(c.count + 1), code);
    return e->walk.status;
}
