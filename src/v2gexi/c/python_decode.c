/* From a payload to objects: the events of the decoder fill the slots directly. */
#include "names.h"
#include "python.h"

/* What is open: an object, or nothing where something unknown is passed over. */
typedef struct {
    PyObject *object; /* borrowed from its holder; NULL: passed over */
    uint16_t type;    /* NONE: an AnyElement, or nothing */
    uint16_t name;
    uint16_t slot;    /* of the holder; NONE: its content, or none */
    uint16_t simple;  /* an element of a simple type that came the long way */
} open_element;

typedef struct {
    v2gexi_decoder decoder;
    v2gexi_event event;
    PyObject *root;
    open_element open[V2GEXI_DEPTH];
    unsigned depth;
} reading;

static PyObject *local_name(const reading *r, uint16_t name)
{
    if (name < v2gexi_name_count)
        return Py_XNewRef(v2gexi_name_object(name));
    char text[256];
    return PyUnicode_FromString(v2gexi_local_name(&r->decoder, name, text, sizeof text));
}

static PyObject *namespace(const reading *r, uint16_t name)
{
    char text[256];
    return PyUnicode_FromString(v2gexi_namespace(&r->decoder, name, text, sizeof text));
}

/* An attribute of an unknown element: "name", or "{namespace}name". */
static PyObject *attribute_key(const reading *r, uint16_t name)
{
    PyObject *local = local_name(r, name), *uri = namespace(r, name);
    if (local && uri && PyUnicode_GET_LENGTH(uri) > 0)
        Py_SETREF(local, PyUnicode_FromFormat("{%U}%U", uri, local));
    if (!uri)
        Py_CLEAR(local);
    Py_XDECREF(uri);
    return local;
}

/* The list `content` of an AnyElement, or of an ordered type. */
static PyObject *content_of(const open_element *holder)
{
    if (holder->type == NONE)
        return PyObject_GetAttrString(holder->object, "content");
    const class_info *info = &v2gexi_classes[holder->type];
    return Py_NewRef(*slot_at(holder->object, info, v2gexi_types[holder->type].slots - 1u));
}

/* `item` is stolen. */
static int append_content(const open_element *holder, PyObject *item)
{
    if (!item)
        return -1;
    PyObject *list = content_of(holder);
    int result = list ? PyList_Append(list, item) : -1;
    Py_XDECREF(list);
    Py_DECREF(item);
    return result;
}

static PyObject *wrap(const reading *r, uint16_t name, PyObject *value)
{
    PyObject *text = local_name(r, name);
    PyObject *element = text ? PyObject_CallFunctionObjArgs(v2gexi_element_class, text, value, NULL) : NULL;
    Py_XDECREF(text);
    return element;
}

/* Put a child where it belongs in what is open. `value` is stolen. */
static int store(reading *r, PyObject *value)
{
    if (!value)
        return -1;
    if (r->depth == 0) {
        Py_XSETREF(r->root, value);
        return 0;
    }
    const open_element *holder = &r->open[r->depth - 1];
    if (!holder->object) {
        Py_DECREF(value);
        return 0;
    }
    const v2gexi_particle *particle = r->event.particle == NONE ? NULL : &v2gexi_particles[r->event.particle];
    if (holder->type == NONE || v2gexi_types[holder->type].flags & V2GEXI_T_ORDERED) {
        PyObject *item = Py_IS_TYPE(value, (PyTypeObject *)v2gexi_any_class) ? Py_NewRef(value)
                                                                             : wrap(r, r->event.name, value);
        Py_DECREF(value);
        return append_content(holder, item);
    }
    if (!particle || particle->slot == 0xFF) {
        /* Undeclared here: passed over. */
        Py_DECREF(value);
        return 0;
    }
    PyObject **slot = slot_at(holder->object, &v2gexi_classes[holder->type], particle->slot);
    if (slot_of(holder->type, particle->slot)->flags & V2GEXI_L_LIST) {
        int result = PyList_Append(*slot, value);
        Py_DECREF(value);
        return result;
    }
    PyObject *old = *slot;
    *slot = value;
    Py_XDECREF(old);
    return 0;
}

static PyObject *any_object(const reading *r, uint16_t name)
{
    PyObject *local = local_name(r, name), *uri = namespace(r, name), *object = NULL;
    if (local && uri)
        object = PyObject_CallFunctionObjArgs(v2gexi_any_class, local, uri, NULL);
    Py_XDECREF(local);
    Py_XDECREF(uri);
    return object;
}

static int on_start(reading *r)
{
    const v2gexi_event *event = &r->event;
    open_element *holder = r->depth ? &r->open[r->depth - 1] : NULL;
    open_element next = {NULL, event->type, event->name, NONE, 0};
    if (event->particle != NONE)
        next.slot = v2gexi_particles[event->particle].slot;
    if (event->type != NONE && v2gexi_types[event->type].flags & V2GEXI_T_SIMPLE) {
        next.simple = 1;
    } else if (holder && !holder->object) {
        next.type = NONE;
    } else {
        PyObject *object = event->type == NONE ? any_object(r, event->name)
                           : r->depth == 0       ? v2gexi_new_root(event->type, event->name)
                                                 : v2gexi_new_object(event->type);
        next.object = object;
        if (!object || store(r, Py_NewRef(object))) {
            Py_XDECREF(object);
            return -1;
        }
        /* Whoever holds it keeps it; what was passed over is gone. */
        int kept = Py_REFCNT(object) > 1;
        Py_DECREF(object);
        if (!kept)
            next.object = NULL;
    }
    r->open[r->depth++] = next;
    return 0;
}

/* An attribute of an unknown element. `value` is stolen. */
static int set_attribute(const reading *r, const open_element *holder, uint16_t name, PyObject *value)
{
    value = v2gexi_attribute_text(r->event.value_at, value);
    PyObject *attributes = value ? PyObject_GetAttrString(holder->object, "attributes") : NULL;
    PyObject *key = attributes ? attribute_key(r, name) : NULL;
    int result = key ? PyObject_SetItem(attributes, key, value) : -1;
    Py_XDECREF(attributes);
    Py_XDECREF(key);
    Py_XDECREF(value);
    return result;
}

static int on_attribute(reading *r)
{
    const open_element *holder = &r->open[r->depth - 1];
    if (!holder->object)
        return 0;
    PyObject *value = v2gexi_value_object(&r->decoder, &r->event);
    if (!value)
        return -1;
    if (holder->type == NONE)
        return set_attribute(r, holder, r->event.name, value);
    if (r->event.particle == NONE || v2gexi_particles[r->event.particle].slot == 0xFF) {
        Py_DECREF(value);
        return 0;
    }
    Py_XSETREF(*slot_at(holder->object, &v2gexi_classes[holder->type], v2gexi_particles[r->event.particle].slot), value);
    return 0;
}

static int on_text(reading *r)
{
    open_element *holder = &r->open[r->depth - 1];
    if (holder->simple) {
        r->depth--;
        uint16_t particle = r->event.particle;
        r->event.name = holder->name;
        int result = store(r, v2gexi_value_object(&r->decoder, &r->event));
        r->event.particle = particle;
        r->depth++;
        return result;
    }
    if (!holder->object)
        return 0;
    if (holder->type == NONE || v2gexi_types[holder->type].flags & V2GEXI_T_ORDERED)
        return append_content(holder, v2gexi_value_object(&r->decoder, &r->event));
    for (unsigned slot = 0; slot < v2gexi_types[holder->type].slots; slot++)
        if (slot_of(holder->type, slot)->flags & V2GEXI_L_TEXT) {
            PyObject *value = v2gexi_value_object(&r->decoder, &r->event);
            if (!value)
                return -1;
            Py_XSETREF(*slot_at(holder->object, &v2gexi_classes[holder->type], slot), value);
            return 0;
        }
    return 0;
}

static int drop_last(PyObject *list)
{
    Py_ssize_t size = PyList_GET_SIZE(list);
    return PyList_SetSlice(list, size - 1, size, NULL);
}

/* xsi:type: an object of the derived class takes the place of the one just begun. */
static int on_retype(reading *r)
{
    open_element *element = &r->open[r->depth - 1];
    if (!element->object)
        return 0;
    if (r->event.type == NONE)
        return element->type == NONE ? set_attribute(r, element, V2GEXI_XSI_type, attribute_key(r, r->event.name)) : 0;
    r->depth--;
    const open_element *holder = r->depth ? &r->open[r->depth - 1] : NULL;
    int result = 0;
    if (holder && (holder->type == NONE || v2gexi_types[holder->type].flags & V2GEXI_T_ORDERED)) {
        PyObject *content = content_of(holder);
        result = content ? drop_last(content) : -1;
        Py_XDECREF(content);
    } else if (holder && element->slot != 0xFF && slot_of(holder->type, element->slot)->flags & V2GEXI_L_LIST) {
        result = drop_last(*slot_at(holder->object, &v2gexi_classes[holder->type], element->slot));
    }
    r->event.name = element->name;
    return result ? -1 : on_start(r);
}

/* xsi:nil: only an AnyElement has a place for it. */
static int on_nil(reading *r)
{
    const open_element *element = &r->open[r->depth - 1];
    if (!element->object || element->type != NONE)
        return 0;
    return set_attribute(r, element, V2GEXI_XSI_nil, PyUnicode_FromString(r->event.value.u ? "true" : "false"));
}

static int on_event(reading *r)
{
    switch (r->event.kind) {
    case V2GEXI_VALUE:
        return store(r, v2gexi_value_object(&r->decoder, &r->event));
    case V2GEXI_START:
        return on_start(r);
    case V2GEXI_END:
        r->depth--;
        return 0;
    case V2GEXI_ATTRIBUTE:
        return on_attribute(r);
    case V2GEXI_TEXT:
        return on_text(r);
    case V2GEXI_RETYPE:
        return on_retype(r);
    case V2GEXI_NIL:
        return on_nil(r);
    default:
        return 0;
    }
}

/* Where the decoder is: from the first member of a substitution group, or the root. */
static PyObject *path_of(const reading *r, uint16_t last)
{
    unsigned first = 0;
    for (unsigned depth = 1; depth < r->depth; depth++)
        /* What xsi:type has made of a simple type has children that its slots do not know. */
        if (r->open[depth - 1].type != NONE && r->open[depth].slot < v2gexi_types[r->open[depth - 1].type].slots &&
            slot_of(r->open[depth - 1].type, r->open[depth].slot)->flags & V2GEXI_L_GROUP) {
            first = depth;
            break;
        }
    PyObject *names = PyList_New(0), *point = PyUnicode_FromString("."), *path = NULL;
    for (unsigned depth = first; names && depth <= r->depth; depth++) {
        if (depth == r->depth && last == NONE)
            break;
        uint16_t number = depth < r->depth ? r->open[depth].name : last;
        PyObject *name = local_name(r, number);
        /* A name that the payload brings can be anything; a message about it is one line. */
        if (name && number >= V2GEXI_DYNAMIC)
            Py_SETREF(name, PyObject_ASCII(name));
        if (!name || PyList_Append(names, name))
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    if (names && point)
        path = PyUnicode_Join(point, names);
    Py_XDECREF(names);
    Py_XDECREF(point);
    return path;
}

static void raise_status(const reading *r, int status)
{
    const v2gexi_event *event = &r->event;
    int of_value = event->kind == V2GEXI_VALUE || event->kind == V2GEXI_ATTRIBUTE;
    PyObject *text = NULL;
    if (status == V2GEXI_E_RANGE || status == V2GEXI_E_LENGTH) {
        const v2gexi_value *value = &v2gexi_values[event->value_at];
        of_value |= event->kind == V2GEXI_TEXT;
        if (status == V2GEXI_E_LENGTH) {
            text = v2gexi_length_text(value, event->length);
        } else if (value->kind == V2GEXI_ENUM) {
            text = PyUnicode_FromFormat("it has no value number %d, only %d", (int)event->value.u, (int)value->max);
        } else {
            PyObject *number = value->kind == V2GEXI_UNSIGNED ? PyLong_FromUnsignedLongLong(event->value.u)
                                                              : PyLong_FromLongLong(event->value.i);
            text = number ? v2gexi_range_text(value, number) : NULL;
            Py_XDECREF(number);
        }
    }
    if (!text && !PyErr_Occurred())
        text = PyUnicode_FromString(v2gexi_status_text(status));
    v2gexi_raise_decode(path_of(r, of_value && status != V2GEXI_E_CODE && status != V2GEXI_E_MISSING ? event->name : NONE),
                        text, v2gexi_position(&r->decoder));
}

/* Everything with a table for that many texts. NULL with an exception; `retry` when the table was too small. */
static PyObject *read_message(PyObject *payload, const v2gexi_set *set, int options, v2gexi_string *strings,
                              uint32_t capacity, int *retry)
{
    reading r;
    r.root = NULL;
    r.depth = 0;
    r.event.kind = V2GEXI_START;
    int status = v2gexi_decode_start(&r.decoder, set, options, (const uint8_t *)PyBytes_AS_STRING(payload),
                                     (size_t)PyBytes_GET_SIZE(payload), strings, capacity);
    while (status == V2GEXI_OK) {
        r.event.kind = V2GEXI_END;
        status = v2gexi_next(&r.decoder, &r.event);
        if (status)
            break;
        if (r.event.kind == V2GEXI_DONE) {
            if (!r.root) {
                /* A simple element that never got its value. */
                status = V2GEXI_E_MISSING;
                break;
            }
            if (PyObject_TypeCheck(r.root, v2gexi_record))
                ((record *)r.root)->texts = v2gexi_texts_of(&r.decoder);
            return r.root;
        }
        if (on_event(&r)) {
            Py_XDECREF(r.root);
            return NULL;
        }
    }
    *retry = status == V2GEXI_E_MEMORY && r.decoder.walk.string_count >= capacity && capacity < MOST_STRINGS;
    if (!*retry)
        raise_status(&r, status);
    Py_XDECREF(r.root);
    return NULL;
}

PyObject *v2gexi_py_decode(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "decode(payload, message set number, options)");
        return NULL;
    }
    long number = PyLong_AsLong(arguments[1]), options = PyLong_AsLong(arguments[2]);
    if (PyErr_Occurred())
        return NULL;
    if (number < 0 || number >= v2gexi_set_count) {
        PyErr_SetString(PyExc_ValueError, "no message set of that number");
        return NULL;
    }
    /* Texts are looked at twice, and Python may run in between: nobody may change the payload then. */
    if (!PyObject_CheckBuffer(arguments[0]))
        return PyErr_Format(PyExc_TypeError, "a payload is bytes, not %s", Py_TYPE(arguments[0])->tp_name);
    PyObject *payload = PyBytes_FromObject(arguments[0]);
    if (!payload)
        return NULL;
    int retry = 0;
    PyObject *message = read_message(payload, &v2gexi_sets[number], (int)options, NULL, V2GEXI_STRINGS, &retry);
    if (retry) {
        v2gexi_string *strings = PyMem_Malloc(MOST_STRINGS * sizeof *strings);
        if (strings)
            message = read_message(payload, &v2gexi_sets[number], (int)options, strings, MOST_STRINGS, &retry);
        else
            PyErr_NoMemory();
        PyMem_Free(strings);
    }
    Py_DECREF(payload);
    return message;
}
