/* Decoding: a pull parser over the tables. */
#include "bits.h"
#include "relaxed.h"
#include "undeclared.h"
#include "values.h"

int v2gexi_decode_start(v2gexi_decoder *d, const struct v2gexi_set *set, int options, const uint8_t *payload,
                        size_t length, v2gexi_string *strings, uint32_t capacity)
{
    if (!strings) {
        strings = d->own_strings;
        capacity = V2GEXI_STRINGS;
    }
    v2gexi_walk_start(&d->walk, set, options, strings, capacity);
    d->data = payload;
    d->at = 0;
    d->have = 0;
    d->window = 0;
    /* Positions are counted in bits, in 32 of them. */
    d->end = length > 0x10000000 ? 0x10000000 : (uint32_t)length;
    if (d->end == 0)
        return fail(&d->walk, V2GEXI_E_TRUNCATED);
    if (payload[0] != 0x80)
        return fail(&d->walk, V2GEXI_E_HEADER);
    d->at = 1;
    return V2GEXI_OK;
}

uint32_t v2gexi_position(const v2gexi_decoder *d)
{
    return bit_position(d);
}

/* An element with children begins. */
static int start(v2gexi_decoder *d, v2gexi_event *event, uint16_t name, uint16_t particle, uint16_t type)
{
    event->kind = V2GEXI_START;
    event->name = name;
    event->particle = particle;
    event->type = type;
    event->value_at = NONE;
    return v2gexi_push(&d->walk, name, particle, type);
}

int v2gexi_start_element(v2gexi_decoder *d, v2gexi_event *event, uint16_t name, uint16_t particle)
{
    uint16_t type = v2gexi_particles[particle].type;
    if (type == NONE || !(v2gexi_types[type].flags & V2GEXI_T_SIMPLE))
        return start(d, event, name, particle, type);
    uint32_t position = bit_position(d), strings = d->walk.string_count;
    /* Nearly always: characters (code 0 of one bit), the value, the end (again 0). */
    if (d->have < 1)
        refill(d);
    if (d->have < 1)
        return fail(&d->walk, V2GEXI_E_TRUNCATED);
    if (d->window >> (d->have - 1) & 1)
        return start(d, event, name, particle, type);
    d->have--;
    event->kind = V2GEXI_VALUE;
    event->name = name;
    event->particle = particle;
    event->type = type;
    int status = v2gexi_take_value(d, event, v2gexi_types[type].value, name);
    if (status)
        return status;
    if (take(d, 1) == 0)
        return d->walk.status;
    /* Something undeclared follows the value: once more, the long way. */
    seek(d, position);
    d->walk.string_count = strings;
    return start(d, event, name, particle, type);
}

static int begin(v2gexi_decoder *d, v2gexi_event *event)
{
    const v2gexi_set *set = d->walk.set;
    int fragment = d->walk.options & V2GEXI_FRAGMENT;
    const uint16_t *elements = fragment ? set->fragments : set->roots;
    unsigned count = fragment ? set->fragment_count : set->root_count;
    /* Behind the elements: SE(*), and in a fragment its end. */
    unsigned code = take(d, width_of(count + 1 + (fragment ? 1 : 0)));
    if (d->walk.status)
        return d->walk.status;
    d->walk.phase = PHASE_INSIDE;
    if (code < count)
        return v2gexi_start_element(d, event, v2gexi_particles[elements[code]].name, elements[code]);
    if (code == count)
        return v2gexi_start_any(d, event);
    return fail(&d->walk, V2GEXI_E_CODE);
}

/* Behind the root: nothing in a document, the code of the end in a fragment. */
static int finish(v2gexi_decoder *d, v2gexi_event *event)
{
    if (d->walk.options & V2GEXI_FRAGMENT) {
        unsigned count = d->walk.set->fragment_count + 2u;
        unsigned code = take(d, width_of(count));
        if (d->walk.status)
            return d->walk.status;
        if (code != count - 1)
            return fail(&d->walk, V2GEXI_E_CODE);
    }
    d->walk.phase = PHASE_DONE;
    event->kind = V2GEXI_DONE;
    return V2GEXI_OK;
}

int v2gexi_end_element(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame)
{
    event->kind = V2GEXI_END;
    event->name = frame->name;
    event->particle = frame->particle;
    event->type = frame->type;
    d->walk.depth--;
    return V2GEXI_OK;
}

static int characters(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame, uint16_t value_at)
{
    event->kind = V2GEXI_TEXT;
    event->name = frame->name;
    event->particle = frame->particle;
    event->type = frame->type;
    return v2gexi_take_value(d, event, value_at, frame->name);
}

int v2gexi_next(v2gexi_decoder *d, v2gexi_event *event)
{
    if (d->walk.status)
        return d->walk.status;
    if (d->walk.depth == 0) {
        switch (d->walk.phase) {
        case PHASE_BEGIN: return begin(d, event);
        case PHASE_INSIDE: return finish(d, event);
        default: return V2GEXI_E_END;
        }
    }
    v2gexi_frame *frame = top(&d->walk);
    if (frame->state >= STATE_FIRST_COMPUTED)
        return v2gexi_is_relaxed(frame) ? v2gexi_next_relaxed(d, event, frame) : v2gexi_next_learned(d, event, frame);
    unsigned count, flags;
    const v2gexi_production *production = productions_of(frame->state, &count, &flags);
    unsigned code = take(d, width_of(count + 1));
    if (code >= count) {
        if (code > count)
            return fail(&d->walk, V2GEXI_E_CODE);
        return v2gexi_next_undeclared(d, event, frame);
    }
    if (d->walk.status)
        return d->walk.status;
    production += code;
    if (production->particle >= V2GEXI_P_FIRST_SPECIAL) {
        switch (production->particle) {
        case V2GEXI_P_EE:
            return v2gexi_end_element(d, event, frame);
        case V2GEXI_P_CH:
            frame->state = production->next;
            return characters(d, event, frame, v2gexi_types[frame->type].value);
        case V2GEXI_P_MIXED:
            frame->state = production->next;
            return characters(d, event, frame, NONE);
        case V2GEXI_P_ANY:
            frame->state = production->next;
            return v2gexi_start_any(d, event);
        default:
            frame->state = production->next;
            return v2gexi_any_attribute(d, event, frame);
        }
    }
    const v2gexi_particle *particle = &v2gexi_particles[production->particle];
    advance(frame, production, particle);
    if (particle->flags & V2GEXI_E_ATTRIBUTE) {
        event->kind = V2GEXI_ATTRIBUTE;
        event->name = particle->name;
        event->particle = production->particle;
        event->type = particle->type;
        return v2gexi_take_value(d, event, v2gexi_types[particle->type].value, particle->name);
    }
    return v2gexi_start_element(d, event, particle->name, production->particle);
}
