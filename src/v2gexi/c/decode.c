/* Decoding: a pull parser over the tables. */
#include "bits.h"
#include "relaxed.h"
#include "undeclared.h"
#include "values.h"

#include <string.h>

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

/* Bytes that lie behind those of the window, at least as many as fit into it. */
static inline void refill_words(v2gexi_decoder *d)
{
    unsigned have = d->have;
    d->window |= word_at(d->data + d->at) >> have;
    d->at += (WINDOW_BITS - 1 - have) / 8;
    d->have = (uint8_t)(have | (unsigned)(WINDOW_BITS - 8));
}

/* The same where less is left, of a payload of at least a word: its last word, without what was read of it. */
static inline void refill_last(v2gexi_decoder *d)
{
    uint32_t behind = d->end - d->at;
    unsigned bytes = (WINDOW_BITS - d->have) / 8;
    if (bytes > behind)
        bytes = behind;
    d->window |= word_at(d->data + d->end - sizeof d->window) << (WINDOW_BITS - 8 * behind) >> d->have;
    d->at += bytes;
    d->have = (uint8_t)(d->have + 8 * bytes);
}

void v2gexi_refill(v2gexi_decoder *d)
{
    if (d->have > WINDOW_BITS - 8 || d->at == d->end)
        return;
    if (d->end - d->at >= sizeof d->window)
        refill_words(d);
    else if (d->end >= sizeof d->window)
        refill_last(d);
    else
        for (; d->have <= WINDOW_BITS - 8 && d->at < d->end; d->have += 8)
            d->window |= (v2gexi_window)d->data[d->at++] << (WINDOW_BITS - 8) >> d->have;
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
    if (take(d, 1)) {
        seek(d, position);
        return start(d, event, name, particle, type);
    }
    if (d->walk.status)
        return d->walk.status;
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

/* The next event, whatever it is. */
static NOINLINE int next_of_any(v2gexi_decoder *d, v2gexi_event *event)
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

/* Enough for a code and an integer of four bytes (of two, with a window of 32 bits). */
enum { QUICK_BITS = WINDOW_BITS > 32 ? 40 : 24 };
/* Begin, a number of at most 16 bits, and end of a value. */
enum { VALUE_BITS = 18 };

/* A text or binary: behind the code of the production to it. */
static NOINLINE int next_sized(v2gexi_decoder *d, v2gexi_event *event, const v2gexi_production *production, unsigned bits)
{
    v2gexi_walk *walk = &d->walk;
    const v2gexi_particle *particle = &v2gexi_particles[production->particle];
    uint32_t position = bit_position(d), strings = walk->string_count;
    unsigned attribute = particle->flags & V2GEXI_E_ATTRIBUTE;
    take(d, bits);
    if (attribute || take(d, 1) == 0) {
        event->kind = attribute ? V2GEXI_ATTRIBUTE : V2GEXI_VALUE;
        if (v2gexi_take_value(d, event, particle->value, particle->name))
            return walk->status;
        if (attribute || take(d, 1) == 0) {
            advance(top(walk), production, particle);
            return walk->status;
        }
    }
    walk->string_count = strings;
    seek(d, position);
    return next_of_any(d, event);
}

/* The same with a full window, or with all that is left of the payload. */
static NOINLINE int next_refilled(v2gexi_decoder *d, v2gexi_event *event)
{
    v2gexi_refill(d);
    return v2gexi_next(d, event);
}

static NOINLINE int advance_counted(v2gexi_frame *frame, const v2gexi_production *production, const v2gexi_particle *particle)
{
    advance(frame, production, particle);
    return V2GEXI_OK;
}

/* What messages are made of: declared elements, numbers, ends. Whatever else comes, and everything that is wrong, is
 * left to next_of_any(); up to there nothing has changed. */
ALIGNED int v2gexi_next(v2gexi_decoder *d, v2gexi_event *event)
{
    v2gexi_walk *walk = &d->walk;
    v2gexi_frame *frame = top(walk);
    if (walk->status || frame->state >= BEHIND)
        return next_of_any(d, event);
    if (d->have < QUICK_BITS) {
        if (d->end - d->at >= sizeof d->window)
            refill_words(d);
        else if (d->at < d->end) {
            if (d->end < sizeof d->window)
                return next_refilled(d, event);
            refill_last(d);
        }
    }
    v2gexi_window window = d->window;
    const v2gexi_state *state = &v2gexi_states[frame->state];
    unsigned bits = state->flags >> V2GEXI_S_WIDTH;
    unsigned code = peek(window, bits);
    if (code >= state->count || bits > d->have)
        return next_of_any(d, event);
    const v2gexi_production *production = &v2gexi_productions[state->first + code];
    size_t at = production->particle;
    if (at >= V2GEXI_P_FIRST_SPECIAL) {
        if (at != V2GEXI_P_EE)
            return next_of_any(d, event);
        d->window = window << bits;
        d->have = (uint8_t)(d->have - bits);
        event->kind = V2GEXI_END;
        event->name = frame->name;
        event->particle = frame->particle;
        event->type = frame->type;
        walk->depth--;
        return V2GEXI_OK;
    }
    const v2gexi_particle *particle = &v2gexi_particles[at];
    memcpy(&event->name, &particle->name, 6); /* name, type, value */
    event->particle = (uint16_t)at;
    if (particle->value == NONE) {
        if (walk->depth >= V2GEXI_DEPTH)
            return fail(walk, V2GEXI_E_DEPTH);
        event->kind = V2GEXI_START;
        d->window = window << bits;
        d->have = (uint8_t)(d->have - bits);
        walk->depth++;
        frame[1].name = particle->name;
        frame[1].particle = (uint16_t)at;
        frame[1].type = particle->type;
        frame[1].state = v2gexi_types[particle->type].start;
        frame[1].run_particle = NONE;
    } else {
        const v2gexi_value *value = &v2gexi_values[particle->value];
        unsigned kind = value->kind;
        if (kind >= V2GEXI_BIG)
            return next_sized(d, event, production, bits);
        unsigned have = d->have - bits;
        if (have < VALUE_BITS)
            return next_of_any(d, event);
        window <<= bits;
        unsigned element = !(particle->flags & V2GEXI_E_ATTRIBUTE);
        event->kind = V2GEXI_ATTRIBUTE;
        if (element) {
            if (window >> (WINDOW_BITS - 1))
                return next_of_any(d, event);
            window <<= 1;
            have--;
            event->kind = V2GEXI_VALUE;
        }
        event->value_kind = (uint8_t)kind;
        if (kind <= V2GEXI_NBIT) {
            bits = value->bits;
            unsigned number = peek_any(window, bits);
            if (number >= value->max_length)
                return next_of_any(d, event);
            window <<= bits;
            have -= bits;
            event->value.i = kind == V2GEXI_NBIT ? number + value->min : number;
        } else {
            unsigned byte, shift = 0;
            uint64_t number = 0, negative = 0;
            if (kind == V2GEXI_INTEGER) {
                negative = 0 - (uint64_t)(window >> (WINDOW_BITS - 1));
                window <<= 1;
                have--;
            }
            do {
                if (have < 9)
                    return next_of_any(d, event);
                byte = peek(window, 8);
                window <<= 8;
                have -= 8;
                number |= (uint64_t)(byte & 0x7F) << shift;
                shift += 7;
            } while (byte & 0x80);
            event->value.u = number ^ negative;
            /* One comparison of distances from min does for both bounds. */
            if (event->value.u - (uint64_t)value->min > value->max - (uint64_t)value->min)
                return next_of_any(d, event);
        }
        if (element) {
            if (window >> (WINDOW_BITS - 1))
                return next_of_any(d, event);
            window <<= 1;
            have--;
        }
        d->window = window;
        d->have = (uint8_t)have;
    }
    if (particle->max > 1)
        return advance_counted(frame, production, particle);
    frame->state = production->next;
    return V2GEXI_OK;
}
