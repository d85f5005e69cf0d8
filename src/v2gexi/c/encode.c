/* Encoding: the caller pushes elements and values, the grammar says what each may be. */
#include "bits.h"
#include "encoder.h"
#include "relaxed.h"
#include "values.h"

int v2gexi_encode_start(v2gexi_encoder *e, const struct v2gexi_set *set, int options, uint8_t *buffer,
                        size_t capacity, v2gexi_string *strings, uint32_t string_capacity)
{
    if (!strings) {
        strings = e->own_strings;
        string_capacity = V2GEXI_STRINGS;
    }
    v2gexi_walk_start(&e->walk, set, options, strings, string_capacity);
    e->data = buffer;
    e->at = 0;
    e->have = 0;
    e->window = 0;
    e->end = capacity > 0x10000000 ? 0x10000000 : (uint32_t)capacity;
    put(e, 8, 0x80);
    return e->walk.status;
}

int v2gexi_encode_root(v2gexi_encoder *e, uint16_t name, const v2gexi_particle **particle)
{
    v2gexi_walk *walk = &e->walk;
    int fragment = walk->options & V2GEXI_FRAGMENT;
    const uint16_t *elements = fragment ? walk->set->fragments : walk->set->roots;
    unsigned count = fragment ? walk->set->fragment_count : walk->set->root_count;
    if (walk->status)
        return walk->status;
    if (walk->phase != PHASE_BEGIN)
        return fail(walk, V2GEXI_E_END);
    unsigned code = name < v2gexi_name_count ? v2gexi_names[name].root : count; /* that of its own message set */
    if (code >= count || v2gexi_particles[elements[code]].name != name)
        code = 0;
    for (; code < count; code++) {
        if (v2gexi_particles[elements[code]].name != name)
            continue;
        put(e, width_of(count + 1 + (fragment ? 1 : 0)), code);
        walk->phase = PHASE_INSIDE;
        *particle = &v2gexi_particles[elements[code]];
        return walk->status;
    }
    return fail(walk, V2GEXI_E_ORDER);
}

/* The production to the element or attribute of that name, and its code; NULL. Not for states of unknown elements. */
static inline const v2gexi_production *find(const v2gexi_frame *frame, uint16_t name, unsigned *code, unsigned *width)
{
    const v2gexi_state *state = &v2gexi_states[frame->state];
    const v2gexi_production *first = &v2gexi_productions[state->first], *end = first + state->count;
    *width = state->flags >> V2GEXI_S_WIDTH;
    for (const v2gexi_production *production = first; production < end; production++)
        if (production->particle < V2GEXI_P_FIRST_SPECIAL && v2gexi_particles[production->particle].name == name) {
            *code = (unsigned)(production - first);
            return production;
        }
    return NULL;
}

/* Go to the element or attribute of that name: its particle. `what`: which of them, in a relaxed grammar. */
static int enter(v2gexi_encoder *e, uint16_t name, int what, const v2gexi_particle **particle)
{
    if (e->walk.status)
        return e->walk.status;
    if (e->walk.depth == 0)
        return v2gexi_encode_root(e, name, particle);
    v2gexi_frame *frame = top(&e->walk);
    if (v2gexi_is_relaxed(frame)) {
        *particle = v2gexi_relaxed_enter(e, frame, name, what);
        return *particle ? e->walk.status : fail(&e->walk, V2GEXI_E_ORDER);
    }
    if (frame->state >= STATE_FIRST_LEARNED)
        return fail(&e->walk, V2GEXI_E_ORDER);
    unsigned count, flags;
    const v2gexi_production *production = productions_of(frame->state, &count, &flags);
    for (unsigned code = 0; code < count; code++) {
        if (production[code].particle >= V2GEXI_P_FIRST_SPECIAL ||
            v2gexi_particles[production[code].particle].name != name)
            continue;
        *particle = &v2gexi_particles[production[code].particle];
        v2gexi_encode_production(e, frame, production, code, count);
        return e->walk.status;
    }
    return fail(&e->walk, V2GEXI_E_ORDER);
}

int v2gexi_begin(v2gexi_encoder *e, uint16_t name)
{
    const v2gexi_particle *particle;
    v2gexi_frame *frame = top(&e->walk);
    if (frame->state < BEHIND && e->walk.status == V2GEXI_OK && e->walk.depth < V2GEXI_DEPTH) {
        unsigned code, width;
        const v2gexi_production *production = find(frame, name, &code, &width);
        if (production && (particle = &v2gexi_particles[production->particle])->value == NONE) {
            put(e, width, code);
            advance(frame, production, particle);
            e->walk.depth++;
            frame[1].name = name;
            frame[1].particle = production->particle;
            frame[1].type = particle->type;
            frame[1].state = v2gexi_types[particle->type].start;
            frame[1].run_particle = NONE;
            return e->walk.status;
        }
    }
    if (enter(e, name, RELAXED_ELEMENTS, &particle))
        return e->walk.status;
    if (particle->flags & V2GEXI_E_ATTRIBUTE)
        return fail(&e->walk, V2GEXI_E_KIND);
    return v2gexi_push(&e->walk, name, (uint16_t)(particle - v2gexi_particles), particle->type);
}

int v2gexi_encode_special(v2gexi_encoder *e, v2gexi_frame *frame, uint16_t special)
{
    if (frame->state >= STATE_FIRST_LEARNED)
        return V2GEXI_E_ORDER;
    if (v2gexi_is_relaxed(frame))
        return v2gexi_relaxed_special(e, frame, special);
    unsigned count, flags;
    const v2gexi_production *production = productions_of(frame->state, &count, &flags);
    for (unsigned code = 0; code < count; code++)
        if (production[code].particle == special) {
            put(e, width_of(count + 1), code);
            frame->state = production[code].next;
            return e->walk.status;
        }
    return V2GEXI_E_ORDER;
}

int v2gexi_end(v2gexi_encoder *e)
{
    v2gexi_walk *walk = &e->walk;
    if (walk->status)
        return walk->status;
    if (walk->depth == 0)
        return fail(walk, V2GEXI_E_END);
    v2gexi_frame *frame = top(walk);
    if (frame->state < BEHIND) {
        const v2gexi_state *state = &v2gexi_states[frame->state];
        const v2gexi_production *first = &v2gexi_productions[state->first];
        for (unsigned code = state->count; code-- > 0;)
            if (first[code].particle == V2GEXI_P_EE) {
                put(e, state->flags >> V2GEXI_S_WIDTH, code);
                walk->depth--;
                return walk->status;
            }
    }
    if (frame->state >= STATE_FIRST_LEARNED)
        v2gexi_encode_learned_end(e, frame);
    else if (v2gexi_encode_special(e, frame, V2GEXI_P_EE) == V2GEXI_E_ORDER)
        return fail(walk, V2GEXI_E_MISSING);
    walk->depth--;
    return walk->status;
}

int32_t v2gexi_encode_finish(v2gexi_encoder *e)
{
    v2gexi_walk *walk = &e->walk;
    if (walk->status)
        return walk->status;
    if (walk->depth > 0 || walk->phase != PHASE_INSIDE)
        return fail(walk, V2GEXI_E_MISSING);
    if (walk->options & V2GEXI_FRAGMENT) {
        unsigned count = walk->set->fragment_count + 2u;
        put(e, width_of(count), count - 1);
    }
    put(e, -(unsigned)e->have % 8, 0);
    v2gexi_flush(e);
    walk->phase = PHASE_DONE;
    return walk->status ? walk->status : (int32_t)e->at;
}

/* Where a value goes: between the codes of its element, as an attribute, or as the content of the open element. */
typedef struct {
    uint16_t value_at;
    uint16_t name;
    uint8_t element;
} place;

static int open_value(v2gexi_encoder *e, uint16_t name, place *where)
{
    const v2gexi_particle *particle;
    where->element = 0;
    if (name == V2GEXI_CONTENT) {
        if (e->walk.status)
            return e->walk.status;
        if (e->walk.depth == 0)
            return fail(&e->walk, V2GEXI_E_ORDER);
        v2gexi_frame *frame = top(&e->walk);
        where->name = frame->name;
        if (frame->state >= STATE_FIRST_LEARNED) {
            where->value_at = NONE;
            return v2gexi_encode_learned_text(e, frame);
        }
        where->value_at = frame->type == NONE ? NONE : v2gexi_types[frame->type].value;
        if (v2gexi_encode_special(e, frame, V2GEXI_P_CH) != V2GEXI_E_ORDER)
            return e->walk.status;
        where->value_at = NONE;
        if (v2gexi_encode_special(e, frame, V2GEXI_P_MIXED) != V2GEXI_E_ORDER)
            return e->walk.status;
        return fail(&e->walk, V2GEXI_E_ORDER);
    }
    v2gexi_frame *frame = top(&e->walk);
    if (frame->state < BEHIND && e->walk.status == V2GEXI_OK) {
        unsigned code, width;
        const v2gexi_production *production = find(frame, name, &code, &width);
        if (production && (particle = &v2gexi_particles[production->particle])->value != NONE) {
            where->value_at = particle->value;
            where->name = name;
            where->element = !(particle->flags & V2GEXI_E_ATTRIBUTE);
            put(e, width + where->element, (v2gexi_window)code << where->element);
            advance(frame, production, particle);
            return e->walk.status;
        }
    }
    if (enter(e, name, RELAXED_ATTRIBUTES | RELAXED_ELEMENTS, &particle))
        return e->walk.status;
    if (particle->type == NONE || !(v2gexi_types[particle->type].flags & V2GEXI_T_SIMPLE))
        return fail(&e->walk, V2GEXI_E_KIND);
    const v2gexi_type *type = &v2gexi_types[particle->type];
    where->value_at = type->value;
    where->name = name;
    if (!(particle->flags & V2GEXI_E_ATTRIBUTE)) {
        where->element = 1;
        put(e, 1, 0);
    }
    return e->walk.status;
}

static int close_value(v2gexi_encoder *e, const place *where)
{
    if (where->element)
        put(e, 1, 0);
    return e->walk.status;
}

/* With code, begin and end that is what put() takes at once, even from 32 bits. */
enum { MOST_BITS = 12 };

/* A number where the grammar has it as expected: 1. Otherwise nothing has happened. */
static int put_number(v2gexi_encoder *e, uint16_t name, uint64_t number, unsigned negative)
{
    v2gexi_walk *walk = &e->walk;
    v2gexi_frame *frame = top(walk);
    if (frame->state >= BEHIND || walk->status)
        return 0;
    unsigned code, width;
    const v2gexi_production *production = find(frame, name, &code, &width);
    if (!production)
        return 0;
    const v2gexi_particle *particle = &v2gexi_particles[production->particle];
    if (particle->value == NONE)
        return 0;
    const v2gexi_value *value = &v2gexi_values[particle->value];
    unsigned element = !(particle->flags & V2GEXI_E_ATTRIBUTE);
    if (value->kind <= V2GEXI_NBIT) {
        if (value->kind == V2GEXI_NBIT)
            number -= (uint64_t)value->min;
        else if (negative)
            return 0;
        if (number >= value->max_length || value->bits > MOST_BITS)
            return 0;
        put(e, width + value->bits + 2 * element, ((v2gexi_window)code << element << value->bits | number) << element);
    } else {
        unsigned sign = value->kind == V2GEXI_INTEGER;
        if (value->kind > V2GEXI_INTEGER || negative > sign ||
            number - (uint64_t)value->min > value->max - (uint64_t)value->min || (!sign && number > value->max))
            return 0;
        put(e, width + element + sign, ((v2gexi_window)code << element) << sign | negative);
        put_unsigned(e, negative ? ~number : number);
        put(e, element, 0);
    }
    if (particle->max > 1)
        advance(frame, production, particle);
    else
        frame->state = production->next;
    return 1;
}

int v2gexi_put_int(v2gexi_encoder *e, uint16_t name, int64_t value)
{
    if (put_number(e, name, (uint64_t)value, value < 0))
        return e->walk.status;
    place where;
    if (open_value(e, name, &where) || v2gexi_write_int(e, where.value_at, value))
        return e->walk.status;
    return close_value(e, &where);
}

int v2gexi_put_uint(v2gexi_encoder *e, uint16_t name, uint64_t value)
{
    if (value <= INT64_MAX && put_number(e, name, value, 0))
        return e->walk.status;
    place where;
    if (open_value(e, name, &where) || v2gexi_write_uint(e, where.value_at, value))
        return e->walk.status;
    return close_value(e, &where);
}

int v2gexi_put_big(v2gexi_encoder *e, uint16_t name, int negative, const uint8_t *magnitude, size_t length)
{
    place where;
    if (open_value(e, name, &where) || v2gexi_write_big(e, where.value_at, negative, magnitude, length))
        return e->walk.status;
    return close_value(e, &where);
}

int v2gexi_put_text(v2gexi_encoder *e, uint16_t name, const char *utf8, size_t length)
{
    place where;
    if (open_value(e, name, &where) || v2gexi_write_text(e, where.value_at, where.name, utf8, length))
        return e->walk.status;
    return close_value(e, &where);
}

int v2gexi_put_bytes(v2gexi_encoder *e, uint16_t name, const uint8_t *bytes, size_t length)
{
    place where;
    if (open_value(e, name, &where) || v2gexi_write_bytes(e, where.value_at, bytes, length))
        return e->walk.status;
    return close_value(e, &where);
}

int v2gexi_put_float(v2gexi_encoder *e, uint16_t name, int64_t mantissa, int exponent)
{
    place where;
    if (open_value(e, name, &where) || v2gexi_write_float(e, where.value_at, mantissa, exponent))
        return e->walk.status;
    return close_value(e, &where);
}

int v2gexi_put_decimal(v2gexi_encoder *e, uint16_t name, int negative, uint64_t integral, uint64_t reversed_fraction)
{
    place where;
    if (open_value(e, name, &where) || v2gexi_write_decimal(e, where.value_at, negative, integral, reversed_fraction))
        return e->walk.status;
    return close_value(e, &where);
}
