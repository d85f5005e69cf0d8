/* Decoding what the schema does not foresee at a place: second and third event codes (EXI 8.5.4.4.1), wildcards,
 * and elements of which no schema says anything (8.4.3). */
#include "undeclared.h"
#include "bits.h"
#include "names.h"
#include "relaxed.h"
#include "values.h"

enum { URI_XSI = 2, XSI_NIL = 0, XSI_TYPE = 1 };

COLD static uint32_t take_index(v2gexi_decoder *d, uint32_t count)
{
    unsigned bits = width_of(count);
    uint32_t index = 0;
    while (bits > 16) {
        index = index << 16 | take(d, 16);
        bits -= 16;
    }
    return index << bits | take(d, bits);
}

/* A name or URI that the string table does not have: it is remembered where it stands. */
COLD static int take_new(v2gexi_decoder *d, v2gexi_new_name *name, uint32_t length, unsigned uri)
{
    name->position = bit_position(d);
    name->length = length;
    name->uri = (uint16_t)uri;
    return v2gexi_skip_characters(d, length);
}

COLD static int take_uri(v2gexi_decoder *d, unsigned *uri)
{
    v2gexi_learned *learned = &d->walk.learned;
    uint32_t known = d->walk.set->uri_count + (uint32_t)learned->uri_count;
    uint32_t code = take_index(d, known + 1);
    if (d->walk.status)
        return d->walk.status;
    if (code > known)
        return fail(&d->walk, V2GEXI_E_NAME);
    *uri = code - 1;
    if (code > 0)
        return V2GEXI_OK;
    if (learned->uri_count >= V2GEXI_NEW_URIS)
        return fail(&d->walk, V2GEXI_E_MEMORY);
    *uri = known;
    uint32_t length = take_length(d);
    if (d->walk.status)
        return d->walk.status;
    return take_new(d, &learned->uris[learned->uri_count++], length, known);
}

/* A qualified name (EXI 7.1.7). */
COLD static int take_name(v2gexi_decoder *d, uint16_t *name, unsigned *uri, uint32_t *local)
{
    v2gexi_learned *learned = &d->walk.learned;
    if (take_uri(d, uri))
        return d->walk.status;
    uint32_t length = take_length(d);
    if (d->walk.status)
        return d->walk.status;
    *local = NONE;
    if (length > 0) {
        if (learned->name_count >= V2GEXI_NEW_NAMES)
            return fail(&d->walk, V2GEXI_E_MEMORY);
        *name = (uint16_t)(V2GEXI_DYNAMIC + learned->name_count);
        return take_new(d, &learned->names[learned->name_count++], length - 1, *uri);
    }
    uint32_t known;
    v2gexi_name_index(d->walk.set, *uri, 0, &known);
    uint32_t count = known + v2gexi_new_names_of(learned, *uri);
    if (count == 0)
        return fail(&d->walk, V2GEXI_E_NAME);
    uint32_t index = take_index(d, count);
    if (d->walk.status)
        return d->walk.status;
    if (index >= count)
        return fail(&d->walk, V2GEXI_E_NAME);
    *local = index;
    if (index < known) {
        *name = v2gexi_name_index(d->walk.set, *uri, index, &known);
        return V2GEXI_OK;
    }
    for (unsigned number = 0;; number++)
        if (learned->names[number].uri == *uri && index-- == known) {
            *name = (uint16_t)(V2GEXI_DYNAMIC + number);
            return V2GEXI_OK;
        }
}

COLD static int learn(v2gexi_decoder *d, const v2gexi_frame *frame, uint8_t place, uint8_t event, uint16_t name)
{
    int status = v2gexi_learn(&d->walk.learned, frame->name, place, event, name);
    return status ? fail(&d->walk, status) : V2GEXI_OK;
}

/* An element by its name: one of the schema's global elements, or one that nobody knows. */
COLD static int start_named(v2gexi_decoder *d, v2gexi_event *event, uint16_t name)
{
    uint16_t root = v2gexi_find_root(d->walk.set, name);
    if (root != NONE)
        return v2gexi_start_element(d, event, name, root);
    event->kind = V2GEXI_START;
    event->name = name;
    event->particle = NONE;
    event->type = NONE;
    event->value_at = NONE;
    return v2gexi_push(&d->walk, name, NONE, NONE);
}

COLD int v2gexi_start_any(v2gexi_decoder *d, v2gexi_event *event)
{
    uint16_t name;
    unsigned uri;
    uint32_t local;
    if (take_name(d, &name, &uri, &local))
        return d->walk.status;
    return start_named(d, event, name);
}

COLD static int take_text_of(v2gexi_decoder *d, v2gexi_event *event, uint8_t kind, uint16_t name)
{
    event->kind = kind;
    event->name = name;
    event->particle = NONE;
    event->type = NONE;
    return v2gexi_take_value(d, event, NONE, name);
}

/* xsi:type. A type that the schema does not have changes nothing (EXI 8.5.4.4.1). */
COLD static int take_type(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame)
{
    uint16_t name;
    unsigned uri;
    uint32_t local;
    if (take_name(d, &name, &uri, &local))
        return d->walk.status;
    uint16_t type = v2gexi_type_named(name);
    if (type != NONE) {
        if (!v2gexi_may_become(frame->type, type))
            return fail(&d->walk, V2GEXI_E_KIND);
        v2gexi_set_type(frame, type);
    }
    event->kind = V2GEXI_RETYPE;
    event->name = name;
    event->particle = frame->particle;
    event->type = type;
    event->value_at = NONE;
    return V2GEXI_OK;
}

COLD static int take_nil(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame)
{
    event->kind = V2GEXI_NIL;
    event->name = frame->name;
    event->particle = frame->particle;
    event->type = frame->type;
    event->value_at = NONE;
    event->value_kind = V2GEXI_BOOLEAN;
    event->value.u = take(d, 1);
    if (event->value.u) {
        /* No declared element is nillable: without content it would lack what whoever reads it relies on. */
        if (frame->type != NONE)
            return fail(&d->walk, V2GEXI_E_MISSING);
        frame->state = v2gexi_nil_state(frame);
    }
    return d->walk.status;
}

COLD int v2gexi_any_attribute(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame)
{
    uint16_t name;
    unsigned uri;
    uint32_t local;
    if (take_name(d, &name, &uri, &local))
        return d->walk.status;
    if (uri == URI_XSI && local == XSI_TYPE)
        return take_type(d, event, frame);
    if (uri == URI_XSI && local == XSI_NIL)
        return take_nil(d, event, frame);
    return take_text_of(d, event, V2GEXI_ATTRIBUTE, name);
}

/* A declared attribute whose value is none of its type, or any attribute: the third event code. */
COLD static int untyped_attribute(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame)
{
    unsigned count, flags, attributes = 0;
    const v2gexi_production *production = productions_of(frame->state, &count, &flags);
    while (attributes < count && production[attributes].particle < V2GEXI_P_FIRST_SPECIAL &&
           v2gexi_particles[production[attributes].particle].flags & V2GEXI_E_ATTRIBUTE)
        attributes++;
    int relaxed = v2gexi_is_relaxed(frame);
    if (relaxed)
        attributes = d->walk.set->attribute_count;
    unsigned code = take(d, width_of(attributes + 1));
    if (d->walk.status)
        return d->walk.status;
    if (code > attributes)
        return fail(&d->walk, V2GEXI_E_CODE);
    if (code == attributes)
        return v2gexi_any_attribute(d, event, frame);
    uint16_t particle = relaxed ? d->walk.set->attributes[code] : production[code].particle;
    if (!relaxed)
        frame->state = production[code].next;
    int status = take_text_of(d, event, V2GEXI_ATTRIBUTE, v2gexi_particles[particle].name);
    event->particle = particle;
    return status;
}

COLD int v2gexi_next_undeclared(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame)
{
    unsigned count, flags;
    uint8_t kinds[UNDECLARED_KINDS];
    productions_of(frame->state, &count, &flags);
    unsigned possible = v2gexi_undeclared(flags, kinds);
    unsigned code = take(d, width_of(possible));
    if (d->walk.status)
        return d->walk.status;
    if (code >= possible)
        return fail(&d->walk, V2GEXI_E_CODE);
    switch (kinds[code]) {
    case UNDECLARED_EE:
        /* EXI can say the end of an element that lacks what the schema demands; whoever reads it relies on that. */
        return fail(&d->walk, V2GEXI_E_MISSING);
    case UNDECLARED_TYPE:
        return take_type(d, event, frame);
    case UNDECLARED_NIL:
        return take_nil(d, event, frame);
    case UNDECLARED_ATTRIBUTE:
        return v2gexi_any_attribute(d, event, frame);
    case UNDECLARED_ATTRIBUTE_TEXT:
        return untyped_attribute(d, event, frame);
    case UNDECLARED_ELEMENT:
        frame->state = v2gexi_after_undeclared(frame);
        return v2gexi_start_any(d, event);
    default:
        frame->state = v2gexi_after_undeclared(frame);
        return take_text_of(d, event, V2GEXI_TEXT, frame->name);
    }
}

/* A production of an unknown element that was seen before. */
COLD static int take_learned(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame,
                        const v2gexi_learned_production *production)
{
    uint16_t name = production->name;
    switch (production->event) {
    case LEARNED_EE:
        return v2gexi_end_element(d, event, frame);
    case LEARNED_CH:
        frame->state = STATE_LEARNED_CONTENT;
        return take_text_of(d, event, V2GEXI_TEXT, frame->name);
    case LEARNED_ELEMENT:
        frame->state = STATE_LEARNED_CONTENT;
        return start_named(d, event, name);
    default:
        if (name == V2GEXI_XSI_type)
            return take_type(d, event, frame);
        return take_text_of(d, event, V2GEXI_ATTRIBUTE, name);
    }
}

COLD int v2gexi_next_learned(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame)
{
    enum { EE, ATTRIBUTE, ELEMENT, CH };
    uint8_t place = frame->state == STATE_LEARNED_TAG ? LEARNED_TAG : LEARNED_CONTENT;
    unsigned count = v2gexi_learned_count(&d->walk.learned, frame->name, place);
    /* In the content the end is always declared, behind what was learned. */
    unsigned declared = count + (place == LEARNED_CONTENT);
    unsigned code = take(d, width_of(declared + 1));
    if (d->walk.status)
        return d->walk.status;
    if (code < count)
        return take_learned(d, event, frame, v2gexi_learned_at(&d->walk.learned, frame->name, place, code));
    if (code < declared)
        return v2gexi_end_element(d, event, frame);
    if (code > declared)
        return fail(&d->walk, V2GEXI_E_CODE);
    code = place == LEARNED_TAG ? take(d, 2) : ELEMENT + take(d, 1);
    if (d->walk.status)
        return d->walk.status;
    uint16_t name;
    unsigned uri;
    uint32_t local;
    switch (code) {
    case EE:
        if (learn(d, frame, place, LEARNED_EE, NONE))
            return d->walk.status;
        return v2gexi_end_element(d, event, frame);
    case ATTRIBUTE:
        if (take_name(d, &name, &uri, &local))
            return d->walk.status;
        if (learn(d, frame, place, LEARNED_ATTRIBUTE, name))
            return d->walk.status;
        if (uri == URI_XSI && local == XSI_TYPE)
            return take_type(d, event, frame);
        return take_text_of(d, event, V2GEXI_ATTRIBUTE, name);
    case ELEMENT:
        if (take_name(d, &name, &uri, &local) || learn(d, frame, place, LEARNED_ELEMENT, name))
            return d->walk.status;
        frame->state = STATE_LEARNED_CONTENT;
        return start_named(d, event, name);
    default:
        if (learn(d, frame, place, LEARNED_CH, NONE))
            return d->walk.status;
        frame->state = STATE_LEARNED_CONTENT;
        return take_text_of(d, event, V2GEXI_TEXT, frame->name);
    }
}
