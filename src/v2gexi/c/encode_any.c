/* Encoding what the schema does not declare at a place: elements and attributes for its wildcards, elements of which
 * no schema says anything, xsi:type and xsi:nil. The counterpart of undeclared.c. */
#include "encoder.h"
#include "names.h"
#include "relaxed.h"
#include "values.h"

#include <string.h>

/* Second codes of what an unknown element begins with, and of what stands in it (EXI 8.4.3). */
enum { TAG_EE, TAG_ATTRIBUTE, TAG_ELEMENT, TAG_CH, TAG_BITS = 2 };
enum { CONTENT_ELEMENT, CONTENT_CH, CONTENT_BITS = 1 };

/* A qualified name, and where in the string table it stands; `known` or more: not yet. */
typedef struct {
    const char *uri_text, *local_text;
    uint32_t uri, uris;
    uint32_t local, locals;
    uint16_t name; /* NONE: new */
} qualified;

COLD static const uint8_t *bytes_of(const char *text)
{
    return (const uint8_t *)text;
}

COLD static int is_written(const v2gexi_encoder *e, const v2gexi_new_name *name, const char *text)
{
    const uint8_t *end = bytes_of(text) + strlen(text);
    uint32_t hash;
    return v2gexi_measure(bytes_of(text), end, &hash) == name->length &&
           v2gexi_written_is(e, name->position, bytes_of(text), end);
}

COLD static void find_uri(const v2gexi_encoder *e, qualified *q)
{
    const v2gexi_set *set = e->walk.set;
    const v2gexi_learned *learned = &e->walk.learned;
    q->uris = set->uri_count + (uint32_t)learned->uri_count;
    for (q->uri = 0; q->uri < set->uri_count; q->uri++)
        if (strcmp(v2gexi_uris[set->uris[q->uri].uri], q->uri_text) == 0)
            return;
    for (; q->uri < q->uris; q->uri++)
        if (is_written(e, &learned->uris[q->uri - set->uri_count], q->uri_text))
            return;
}

COLD static qualified find_name(const v2gexi_encoder *e, const char *uri, const char *local)
{
    const v2gexi_learned *learned = &e->walk.learned;
    qualified q = {uri, local, 0, 0, 0, 0, NONE};
    uint32_t known;
    find_uri(e, &q);
    v2gexi_name_index(e->walk.set, q.uri, 0, &known);
    q.locals = known + v2gexi_new_names_of(learned, q.uri);
    for (; q.local < known; q.local++) {
        q.name = v2gexi_name_index(e->walk.set, q.uri, q.local, &known);
        if (strcmp(&v2gexi_strings[v2gexi_names[q.name].local], local) == 0)
            return q;
    }
    for (unsigned number = 0; number < learned->name_count; number++) {
        if (learned->names[number].uri != q.uri)
            continue;
        q.name = (uint16_t)(V2GEXI_DYNAMIC + number);
        if (is_written(e, &learned->names[number], local))
            return q;
        q.local++;
    }
    q.name = NONE;
    return q;
}

/* A part of a name that the string table does not have; it has it from now on. */
COLD static int put_new(v2gexi_encoder *e, const char *text, unsigned more, v2gexi_new_name *name, uint32_t uri)
{
    const uint8_t *end = bytes_of(text) + strlen(text);
    uint32_t hash, characters = v2gexi_measure(bytes_of(text), end, &hash);
    if (characters == NO_CHARACTER || characters > LONGEST_TEXT)
        return fail(&e->walk, V2GEXI_E_STRING);
    put_unsigned(e, (uint64_t)characters + more);
    name->position = written_bits(e);
    name->length = characters;
    name->uri = (uint16_t)uri;
    v2gexi_put_characters(e, bytes_of(text), end);
    return e->walk.status;
}

/* Write a qualified name (EXI 7.1.7). */
COLD static int put_name(v2gexi_encoder *e, qualified *q)
{
    v2gexi_learned *learned = &e->walk.learned;
    int new_uri = q->uri == q->uris;
    if ((new_uri && learned->uri_count >= V2GEXI_NEW_URIS) ||
        (q->name == NONE && learned->name_count >= V2GEXI_NEW_NAMES))
        return fail(&e->walk, V2GEXI_E_MEMORY);
    put(e, width_of(q->uris + 1), new_uri ? 0 : q->uri + 1);
    if (new_uri && put_new(e, q->uri_text, 0, &learned->uris[learned->uri_count++], q->uri))
        return e->walk.status;
    if (q->name == NONE) {
        q->name = (uint16_t)(V2GEXI_DYNAMIC + learned->name_count);
        return put_new(e, q->local_text, 1, &learned->names[learned->name_count++], q->uri);
    }
    put_unsigned(e, 0);
    put(e, width_of(q->locals), q->local);
    return e->walk.status;
}

/* The code of something that the grammar of an unknown element has learned. */
COLD static int put_learned(v2gexi_encoder *e, const v2gexi_frame *frame, uint8_t place, uint8_t event, uint16_t name)
{
    unsigned count = v2gexi_learned_count(&e->walk.learned, frame->name, place);
    unsigned declared = count + (place == LEARNED_CONTENT);
    for (unsigned code = 0; code < count; code++) {
        const v2gexi_learned_production *production = v2gexi_learned_at(&e->walk.learned, frame->name, place, code);
        if (production->event == event && (production->name == name || event == LEARNED_EE || event == LEARNED_CH)) {
            put(e, width_of(declared + 1), code);
            return 1;
        }
    }
    return 0;
}

/* The same for what it has not: the code behind all others, and a second one. */
COLD static void put_unlearned(v2gexi_encoder *e, const v2gexi_frame *frame, uint8_t place, unsigned bits, unsigned second)
{
    unsigned declared = v2gexi_learned_count(&e->walk.learned, frame->name, place) + (place == LEARNED_CONTENT);
    put(e, width_of(declared + 1), declared);
    put(e, bits, second);
}

COLD static uint8_t place_of(const v2gexi_frame *frame)
{
    return frame->state == STATE_LEARNED_TAG ? LEARNED_TAG : LEARNED_CONTENT;
}

COLD static int learn(v2gexi_encoder *e, const v2gexi_frame *frame, uint8_t event, uint16_t name)
{
    int status = v2gexi_learn(&e->walk.learned, frame->name, place_of(frame), event, name);
    return status ? fail(&e->walk, status) : e->walk.status;
}

COLD int v2gexi_encode_learned_end(v2gexi_encoder *e, v2gexi_frame *frame)
{
    uint8_t place = place_of(frame);
    if (place == LEARNED_CONTENT) {
        unsigned count = v2gexi_learned_count(&e->walk.learned, frame->name, place);
        put(e, width_of(count + 2), count);
        return e->walk.status;
    }
    if (put_learned(e, frame, place, LEARNED_EE, NONE))
        return e->walk.status;
    put_unlearned(e, frame, place, TAG_BITS, TAG_EE);
    return learn(e, frame, LEARNED_EE, NONE);
}

COLD int v2gexi_encode_learned_text(v2gexi_encoder *e, v2gexi_frame *frame)
{
    uint8_t place = place_of(frame);
    int tag = place == LEARNED_TAG;
    if (!put_learned(e, frame, place, LEARNED_CH, NONE)) {
        put_unlearned(e, frame, place, tag ? TAG_BITS : CONTENT_BITS, tag ? TAG_CH : CONTENT_CH);
        learn(e, frame, LEARNED_CH, NONE);
    }
    frame->state = STATE_LEARNED_CONTENT;
    return e->walk.status;
}

/* A second event code of a state of the schema. */
COLD static int put_undeclared(v2gexi_encoder *e, const v2gexi_frame *frame, uint8_t kind)
{
    unsigned count, flags, code = 0;
    uint8_t kinds[UNDECLARED_KINDS];
    productions_of(frame->state, &count, &flags);
    unsigned possible = v2gexi_undeclared(flags, kinds);
    while (code < possible && kinds[code] != kind)
        code++;
    if (code == possible)
        return fail(&e->walk, V2GEXI_E_ORDER);
    if (v2gexi_is_relaxed(frame))
        count = v2gexi_relaxed_count(&e->walk, frame);
    put(e, width_of(count + 1), count);
    put(e, width_of(possible), code);
    return e->walk.status;
}

/* The schema has no place for it: only for who wants that. */
COLD static int put_forbidden(v2gexi_encoder *e, const v2gexi_frame *frame, uint8_t kind)
{
    if (!(e->walk.options & V2GEXI_LENIENT))
        return fail(&e->walk, V2GEXI_E_ORDER);
    return put_undeclared(e, frame, kind);
}

/* Open an element in an unknown one. */
COLD static int begin_in_learned(v2gexi_encoder *e, v2gexi_frame *frame, qualified *q)
{
    uint8_t place = place_of(frame);
    int tag = place == LEARNED_TAG;
    if (q->name == NONE || !put_learned(e, frame, place, LEARNED_ELEMENT, q->name)) {
        put_unlearned(e, frame, place, tag ? TAG_BITS : CONTENT_BITS, tag ? TAG_ELEMENT : CONTENT_ELEMENT);
        if (put_name(e, q) || learn(e, frame, LEARNED_ELEMENT, q->name))
            return e->walk.status;
    }
    frame->state = STATE_LEARNED_CONTENT;
    return e->walk.status;
}

/* Take the code of a wildcard of the root, of a type, or of an unknown element, with the name. */
COLD static int enter_any(v2gexi_encoder *e, qualified *q)
{
    v2gexi_walk *walk = &e->walk;
    if (walk->depth == 0) {
        if (walk->phase != PHASE_BEGIN)
            return fail(walk, V2GEXI_E_END);
        int fragment = walk->options & V2GEXI_FRAGMENT;
        unsigned count = fragment ? walk->set->fragment_count : walk->set->root_count;
        put(e, width_of(count + 1 + (fragment ? 1 : 0)), count);
        walk->phase = PHASE_INSIDE;
        return put_name(e, q);
    }
    v2gexi_frame *frame = top(walk);
    if (frame->state >= STATE_FIRST_LEARNED)
        return begin_in_learned(e, frame, q);
    if (v2gexi_encode_special(e, frame, V2GEXI_P_ANY) == V2GEXI_E_ORDER) {
        if (put_forbidden(e, frame, UNDECLARED_ELEMENT))
            return walk->status;
        frame->state = v2gexi_after_undeclared(frame);
    }
    return put_name(e, q);
}

COLD int v2gexi_begin_any(v2gexi_encoder *e, const char *uri, const char *local)
{
    if (e->walk.status)
        return e->walk.status;
    qualified q = find_name(e, uri, local);
    const v2gexi_particle *declared = NULL;
    if (q.name != NONE && e->walk.depth && v2gexi_is_relaxed(top(&e->walk)))
        declared = v2gexi_relaxed_enter(e, top(&e->walk), q.name, RELAXED_ELEMENTS);
    if (declared)
        return v2gexi_push(&e->walk, q.name, (uint16_t)(declared - v2gexi_particles), declared->type);
    if (enter_any(e, &q))
        return e->walk.status;
    uint16_t root = v2gexi_find_root(e->walk.set, q.name);
    return v2gexi_push(&e->walk, q.name, root, root == NONE ? NONE : v2gexi_particles[root].type);
}

/* A declared attribute with a text that is none of its values: the third event code. */
COLD static int enter_untyped(v2gexi_encoder *e, v2gexi_frame *frame, uint16_t name)
{
    unsigned count, flags, attributes = 0, code = NONE;
    const v2gexi_production *production = productions_of(frame->state, &count, &flags);
    for (; attributes < count && production[attributes].particle < V2GEXI_P_FIRST_SPECIAL; attributes++) {
        const v2gexi_particle *particle = &v2gexi_particles[production[attributes].particle];
        if (!(particle->flags & V2GEXI_E_ATTRIBUTE))
            break;
        if (particle->name == name)
            code = attributes;
    }
    int relaxed = v2gexi_is_relaxed(frame);
    if (relaxed) {
        attributes = e->walk.set->attribute_count;
        code = v2gexi_relaxed_attribute(e->walk.set, name);
    }
    if (code == NONE)
        return V2GEXI_E_NAME;
    if (put_forbidden(e, frame, UNDECLARED_ATTRIBUTE_TEXT))
        return e->walk.status;
    put(e, width_of(attributes + 1), code);
    if (!relaxed)
        frame->state = production[code].next;
    return e->walk.status;
}

/* An attribute of an unknown element. */
COLD static int put_own_attribute(v2gexi_encoder *e, v2gexi_frame *frame, qualified *q)
{
    if (q->name != NONE && put_learned(e, frame, LEARNED_TAG, LEARNED_ATTRIBUTE, q->name))
        return e->walk.status;
    put_unlearned(e, frame, LEARNED_TAG, TAG_BITS, TAG_ATTRIBUTE);
    if (put_name(e, q))
        return e->walk.status;
    return learn(e, frame, LEARNED_ATTRIBUTE, q->name);
}

COLD static int enter_any_attribute(v2gexi_encoder *e, v2gexi_frame *frame, qualified *q)
{
    if (frame->state == STATE_LEARNED_CONTENT)
        return fail(&e->walk, V2GEXI_E_ORDER);
    if (frame->state == STATE_LEARNED_TAG)
        return put_own_attribute(e, frame, q);
    if (q->name != NONE) {
        int status = enter_untyped(e, frame, q->name);
        if (status != V2GEXI_E_NAME)
            return status;
    }
    if (v2gexi_encode_special(e, frame, V2GEXI_P_ANY_ATTR) == V2GEXI_E_ORDER && put_forbidden(e, frame, UNDECLARED_ATTRIBUTE))
        return e->walk.status;
    return put_name(e, q);
}

COLD int v2gexi_put_any_attribute(v2gexi_encoder *e, const char *uri, const char *local, const char *utf8, size_t length)
{
    if (e->walk.status)
        return e->walk.status;
    if (e->walk.depth == 0)
        return fail(&e->walk, V2GEXI_E_ORDER);
    qualified q = find_name(e, uri, local);
    if (v2gexi_is_relaxed(top(&e->walk)) && top(&e->walk)->state != STATE_RELAXED_CONTENT &&
        v2gexi_relaxed_takes_text(e->walk.set, q.name))
        return v2gexi_put_text(e, q.name, utf8, length);
    if (enter_any_attribute(e, top(&e->walk), &q))
        return e->walk.status;
    return v2gexi_write_text(e, NONE, q.name, utf8, length);
}

COLD int v2gexi_put_any_text(v2gexi_encoder *e, const char *utf8, size_t length)
{
    if (e->walk.status)
        return e->walk.status;
    if (e->walk.depth == 0)
        return fail(&e->walk, V2GEXI_E_ORDER);
    v2gexi_frame *frame = top(&e->walk);
    if (frame->state >= STATE_FIRST_LEARNED) {
        v2gexi_encode_learned_text(e, frame);
    } else if (v2gexi_encode_special(e, frame, V2GEXI_P_MIXED) == V2GEXI_E_ORDER) {
        if (put_forbidden(e, frame, UNDECLARED_TEXT))
            return e->walk.status;
        frame->state = v2gexi_after_undeclared(frame);
    }
    return e->walk.status ? e->walk.status : v2gexi_write_text(e, NONE, frame->name, utf8, length);
}

COLD int v2gexi_retype_any(v2gexi_encoder *e, const char *uri, const char *local)
{
    if (e->walk.status)
        return e->walk.status;
    v2gexi_frame *frame = e->walk.depth ? top(&e->walk) : NULL;
    if (!frame || frame->state == STATE_LEARNED_CONTENT)
        return fail(&e->walk, V2GEXI_E_ORDER);
    if (frame->state == STATE_LEARNED_TAG) {
        const v2gexi_name *xsi_type = &v2gexi_names[V2GEXI_XSI_type];
        qualified attribute = find_name(e, v2gexi_uris[xsi_type->uri], &v2gexi_strings[xsi_type->local]);
        put_own_attribute(e, frame, &attribute);
    } else {
        put_undeclared(e, frame, UNDECLARED_TYPE);
    }
    qualified q = find_name(e, uri, local);
    if (e->walk.status || put_name(e, &q))
        return e->walk.status;
    uint16_t type = v2gexi_type_named(q.name);
    if (type != NONE) {
        if (!v2gexi_may_become(frame->type, type))
            return fail(&e->walk, V2GEXI_E_KIND);
        v2gexi_set_type(frame, type);
    }
    return e->walk.status;
}

COLD int v2gexi_retype(v2gexi_encoder *e, uint16_t type)
{
    if (e->walk.status)
        return e->walk.status;
    if (type >= v2gexi_type_count || v2gexi_types[type].flags & V2GEXI_T_ANONYMOUS)
        return fail(&e->walk, V2GEXI_E_NAME);
    const v2gexi_name *name = &v2gexi_names[v2gexi_types[type].name];
    return v2gexi_retype_any(e, v2gexi_uris[name->uri], &v2gexi_strings[name->local]);
}

COLD int v2gexi_put_nil(v2gexi_encoder *e, int nil)
{
    if (e->walk.status)
        return e->walk.status;
    v2gexi_frame *frame = e->walk.depth ? top(&e->walk) : NULL;
    if (!frame || frame->state >= STATE_FIRST_LEARNED)
        return fail(&e->walk, V2GEXI_E_ORDER);
    if (put_undeclared(e, frame, UNDECLARED_NIL))
        return e->walk.status;
    put(e, 1, nil != 0);
    if (nil)
        frame->state = v2gexi_nil_state(frame);
    return e->walk.status;
}
