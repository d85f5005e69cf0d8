/* From objects to a payload: the slots are offered to the grammar in the order of the schema. */
#include "python.h"

enum { GROW_BUFFER = 1, GROW_STRINGS = 2 };

int v2gexi_write_particle(v2gexi_writing *w, const v2gexi_particle *particle, PyObject *value)
{
    v2gexi_encoder *e = &w->encoder;
    if (particle->type == NONE)
        return v2gexi_write_relaxed(w, particle, value);
    const v2gexi_type *declared = &v2gexi_types[particle->type];
    if (declared->flags & V2GEXI_T_SIMPLE) {
        if (particle->flags & V2GEXI_E_ATTRIBUTE)
            return v2gexi_write_value(w, declared->value, particle->name, value);
        put(e, 1, 0);
        if (v2gexi_write_value(w, declared->value, particle->name, value))
            return -1;
        put(e, 1, 0);
        return 0;
    }
    uint16_t type = v2gexi_type_of(value);
    if (type == NONE || !v2gexi_is_a(type, particle->type)) {
        PyObject *name = v2gexi_name_object(declared->name);
        return name ? v2gexi_problem(w, PyUnicode_FromFormat("%.100R is no %U", value, name)) : -1;
    }
    if (v2gexi_push(&e->walk, particle->name, (uint16_t)(particle - v2gexi_particles), particle->type))
        return v2gexi_engine_problem(w, e->walk.status);
    if (type != particle->type && v2gexi_retype(e, type))
        return v2gexi_engine_problem(w, e->walk.status);
    return v2gexi_write_object(w, value, type);
}

static int missing(v2gexi_writing *w)
{
    v2gexi_frame *frame = top(&w->encoder.walk);
    unsigned count, flags;
    const v2gexi_production *production = productions_of(frame->state, &count, &flags);
    PyObject *names = PyUnicode_FromString("");
    for (unsigned code = 0; names && code < count; code++) {
        if (production[code].particle >= V2GEXI_P_FIRST_SPECIAL)
            continue;
        PyObject *name = v2gexi_name_object(v2gexi_particles[production[code].particle].name);
        const char *or = PyUnicode_GET_LENGTH(names) ? " or " : "";
        Py_SETREF(names, name ? PyUnicode_FromFormat("%U%s%U", names, or, name) : NULL);
    }
    if (!names)
        return -1;
    PyObject *text = PyUnicode_GET_LENGTH(names) ? PyUnicode_FromFormat("%U is missing", names)
                                                 : PyUnicode_FromString("content is missing");
    int result = v2gexi_problem(w, text);
    Py_DECREF(names);
    return result;
}

/* Why the grammar has no place for a value of that slot now. */
static int no_place(v2gexi_writing *w, uint16_t type, unsigned slot)
{
    v2gexi_frame *frame = top(&w->encoder.walk);
    const v2gexi_slot *wanted = slot_of(type, slot);
    unsigned count, flags;
    const v2gexi_production *production = productions_of(frame->state, &count, &flags);
    int ended = 0, before = 0;
    for (unsigned code = 0; code < count; code++) {
        ended |= production[code].particle == V2GEXI_P_EE;
        before |= production[code].particle < V2GEXI_P_FIRST_SPECIAL &&
                  v2gexi_particles[production[code].particle].slot < slot;
    }
    if (wanted->max > 1 && w->steps[w->depth - 1].number >= wanted->max)
        return v2gexi_problem(w, PyUnicode_FromFormat("at most %d are allowed", wanted->max));
    if (before && !ended) {
        w->depth--;
        return missing(w);
    }
    return v2gexi_problem(w, PyUnicode_FromString("it excludes, or is excluded by, what stands before it"));
}

/* Offer a value to the grammar. Members of a group are told apart by their class. */
static int write_slot(v2gexi_writing *w, uint16_t type, unsigned slot, PyObject *value, Py_ssize_t number)
{
    v2gexi_encoder *e = &w->encoder;
    v2gexi_frame *frame = top(&e->walk);
    const v2gexi_slot *declared = slot_of(type, slot);
    unsigned count, flags;
    const v2gexi_production *production = productions_of(frame->state, &count, &flags);
    uint16_t group_type = declared->flags & V2GEXI_L_GROUP ? v2gexi_type_of(value) : NONE;
    if (w->depth > V2GEXI_DEPTH)
        return v2gexi_engine_problem(w, V2GEXI_E_DEPTH);
    v2gexi_step *here = &w->steps[w->depth++];
    here->name = declared->name;
    here->number = number;
    here->group = 0;
    int result, possible = 0;
    for (unsigned code = 0; code < count; code++) {
        if (production[code].particle >= V2GEXI_P_FIRST_SPECIAL)
            continue;
        const v2gexi_particle *particle = &v2gexi_particles[production[code].particle];
        if (particle->slot != slot)
            continue;
        possible = 1;
        if (declared->flags & V2GEXI_L_GROUP && particle->type != group_type)
            continue;
        here->name = particle->name;
        here->group = group_type != NONE;
        v2gexi_encode_production(e, frame, production, code, count);
        result = v2gexi_write_particle(w, particle, value);
        w->depth--;
        return result;
    }
    unsigned depth = w->depth - 1;
    result = possible ? v2gexi_problem(w, PyUnicode_FromFormat("%.100R is none of its members", value))
                      : no_place(w, type, slot);
    w->depth = depth;
    return result;
}

/* A value, or values, of a slot. */
static int write_values(v2gexi_writing *w, uint16_t type, unsigned slot, PyObject *value)
{
    unsigned flags = slot_of(type, slot)->flags;
    if (flags & (V2GEXI_L_LIST | V2GEXI_L_CONTENT)) {
        if (!PyList_Check(value) && !PyTuple_Check(value))
            return v2gexi_wrong_kind(w, "a list", value);
        /* Its length is asked for each time: what is written may change it. */
        for (Py_ssize_t number = 0; number < PySequence_Fast_GET_SIZE(value); number++) {
            PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(value, number));
            int result = flags & V2GEXI_L_CONTENT ? v2gexi_write_item(w, item, number)
                                                  : write_slot(w, type, slot, item, number);
            Py_DECREF(item);
            if (result)
                return -1;
        }
        return 0;
    }
    if (!(flags & V2GEXI_L_TEXT))
        return write_slot(w, type, slot, value, -1);
    v2gexi_frame *frame = top(&w->encoder.walk);
    if (v2gexi_encode_special(&w->encoder, frame, V2GEXI_P_CH) == V2GEXI_E_ORDER)
        return missing(w);
    return v2gexi_write_value(w, v2gexi_types[type].value, frame->name, value);
}

int v2gexi_write_object(v2gexi_writing *w, PyObject *object, uint16_t type)
{
    v2gexi_encoder *e = &w->encoder;
    const class_info *info = v2gexi_class_of(type);
    if (!info)
        return -1;
    for (unsigned slot = 0; slot < v2gexi_types[type].slots; slot++) {
        PyObject *value = *slot_at(object, info, slot);
        if (value == NULL || value == Py_None)
            continue;
        /* Methods of foreign classes may run and empty the slot. */
        Py_INCREF(value);
        int result = write_values(w, type, slot, value);
        Py_DECREF(value);
        if (result)
            return -1;
    }
    if (v2gexi_encode_special(e, top(&e->walk), V2GEXI_P_EE) == V2GEXI_E_ORDER)
        return missing(w);
    e->walk.depth--;
    return v2gexi_engine_problem(w, e->walk.status);
}

/* With a buffer and a table of that size: 0 done, -1 an exception, or what has to grow. */
static int write_message(PyObject *message, const v2gexi_set *set, int options, uint16_t root, uint8_t *buffer,
                         size_t size, v2gexi_string *strings, uint32_t capacity, PyObject **result)
{
    v2gexi_writing w;
    const v2gexi_particle *particle;
    v2gexi_encode_start(&w.encoder, set, options, buffer, size, strings, capacity);
    w.steps[0].name = root;
    w.steps[0].number = -1;
    w.steps[0].group = 0;
    w.depth = 1;
    int failed = v2gexi_encode_root(&w.encoder, root, &particle) ? v2gexi_engine_problem(&w, w.encoder.walk.status)
                                                                 : v2gexi_write_particle(&w, particle, message);
    if (PyErr_Occurred())
        return -1;
    int32_t length = failed ? w.encoder.walk.status : v2gexi_encode_finish(&w.encoder);
    if (length == V2GEXI_E_SPACE)
        return GROW_BUFFER;
    if (length == V2GEXI_E_MEMORY && v2gexi_texts_full(&w) && capacity < MOST_STRINGS)
        return GROW_STRINGS;
    if (length < 0)
        return v2gexi_problem(&w, PyUnicode_FromString(v2gexi_status_text((int)length)));
    *result = PyBytes_FromStringAndSize((const char *)buffer, length);
    return *result ? 0 : -1;
}

PyObject *v2gexi_py_encode(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    enum { MOST = 64 << 20 };
    (void)module;
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "encode(message, message set number, name number, options)");
        return NULL;
    }
    long number = PyLong_AsLong(arguments[1]), root = PyLong_AsLong(arguments[2]), options = PyLong_AsLong(arguments[3]);
    if (PyErr_Occurred())
        return NULL;
    if (number < 0 || number >= v2gexi_set_count || root < 0 || root >= v2gexi_name_count) {
        PyErr_SetString(PyExc_ValueError, "no message set, or no name, of that number");
        return NULL;
    }
    if (options & V2GEXI_AS_READ && PyObject_TypeCheck(arguments[0], v2gexi_record) &&
        ((record *)arguments[0])->texts == TEXTS_IN_FULL)
        options |= V2GEXI_LITERAL;
    uint8_t stack[1024];
    uint8_t *buffer = stack;
    size_t size = sizeof stack;
    v2gexi_string *strings = NULL;
    uint32_t capacity = V2GEXI_STRINGS;
    PyObject *payload = NULL;
    int result;
    while ((result = write_message(arguments[0], &v2gexi_sets[number], (int)options, (uint16_t)root, buffer, size, strings,
                                   capacity, &payload)) > 0) {
        if (size > MOST) {
            PyErr_SetString(PyExc_OverflowError, "the message is larger than any payload can be");
            break;
        }
        if (result == GROW_BUFFER) {
            size *= 8;
            if (buffer != stack)
                PyMem_Free(buffer);
            buffer = PyMem_Malloc(size);
        } else {
            capacity = MOST_STRINGS;
            strings = PyMem_Malloc(capacity * sizeof *strings);
        }
        if (!buffer || (capacity > V2GEXI_STRINGS && !strings)) {
            PyErr_NoMemory();
            break;
        }
    }
    if (buffer != stack)
        PyMem_Free(buffer);
    PyMem_Free(strings);
    return payload;
}
