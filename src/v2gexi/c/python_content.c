/* The content of ordered types, and elements of which no schema says anything. */
#include "names.h"
#include "python.h"
#include "relaxed.h"

#include <string.h>

/* A name as C knows texts; NULL, perhaps with an exception set: it is none. */
static const char *text_of(PyObject *object)
{
    Py_ssize_t size;
    const char *text = PyUnicode_Check(object) ? PyUnicode_AsUTF8AndSize(object, &size) : NULL;
    return text && (size_t)size == strlen(text) ? text : NULL;
}

/* What the engine says to something that may be undeclared. */
static int answer(v2gexi_writing *w, int status, const char *what)
{
    if (status != V2GEXI_E_ORDER)
        return v2gexi_engine_problem(w, status);
    return v2gexi_problem(w, PyUnicode_FromFormat("the schema allows no %s here", what));
}

static int write_characters(v2gexi_writing *w, PyObject *item)
{
    Py_ssize_t size;
    const char *utf8 = PyUnicode_AsUTF8AndSize(item, &size);
    if (!utf8) {
        PyErr_Clear();
        return v2gexi_problem(w, PyUnicode_FromFormat("%.100R has characters that no text can have", item));
    }
    return answer(w, v2gexi_put_any_text(&w->encoder, utf8, (size_t)size), "characters");
}

/* An element that any document of the set can consist of, where there is a wildcard. */
static int write_root(v2gexi_writing *w, PyObject *name, PyObject *value)
{
    v2gexi_encoder *e = &w->encoder;
    const v2gexi_set *set = e->walk.set;
    uint16_t own = v2gexi_type_of(value);
    for (unsigned number = 0; number < set->root_count; number++) {
        const v2gexi_particle *root = &v2gexi_particles[set->roots[number]];
        const v2gexi_name *qualified = &v2gexi_names[root->name];
        const v2gexi_type *type = &v2gexi_types[root->type];
        int simple = type->flags & V2GEXI_T_SIMPLE;
        if (PyUnicode_CompareWithASCIIString(name, &v2gexi_strings[qualified->local]) != 0 ||
            (simple ? own != NONE : own == NONE || !v2gexi_is_a(own, root->type)))
            continue;
        int status = v2gexi_begin_any(e, v2gexi_uris[qualified->uri], &v2gexi_strings[qualified->local]);
        if (status)
            return answer(w, status, "element that is not its own");
        w->steps[w->depth - 1].name = root->name;
        if (!simple) {
            if (own != root->type && v2gexi_retype(e, own))
                return v2gexi_engine_problem(w, e->walk.status);
            return v2gexi_write_object(w, value, own);
        }
        v2gexi_encode_special(e, top(&e->walk), V2GEXI_P_CH);
        if (v2gexi_write_value(w, type->value, root->name, value))
            return -1;
        return v2gexi_engine_problem(w, v2gexi_end(e));
    }
    return v2gexi_problem(w, PyUnicode_FromFormat("%R is not allowed here", name));
}

static int write_element(v2gexi_writing *w, PyObject *name, PyObject *value)
{
    v2gexi_encoder *e = &w->encoder;
    v2gexi_frame *frame = top(&e->walk);
    unsigned count = 0, flags;
    const v2gexi_production *production = NULL;
    if (!PyUnicode_Check(name))
        return v2gexi_wrong_kind(w, "a name", name);
    if (v2gexi_is_relaxed(frame))
        return v2gexi_write_in_relaxed(w, name, value);
    if (frame->state < STATE_FIRST_LEARNED)
        production = productions_of(frame->state, &count, &flags);
    for (unsigned code = 0; code < count; code++) {
        if (production[code].particle >= V2GEXI_P_FIRST_SPECIAL)
            continue;
        const v2gexi_particle *particle = &v2gexi_particles[production[code].particle];
        if (particle->flags & V2GEXI_E_ATTRIBUTE ||
            PyUnicode_CompareWithASCIIString(name, &v2gexi_strings[v2gexi_names[particle->name].local]) != 0)
            continue;
        w->steps[w->depth - 1].name = particle->name;
        v2gexi_encode_production(e, frame, production, code, count);
        return v2gexi_write_particle(w, particle, value);
    }
    return write_root(w, name, value);
}

/* "name", or "{namespace}name": what is before the name. NULL: it is neither; an exception may be set. */
static PyObject *split(const char *name, const char **local)
{
    const char *end = *name == '{' ? strchr(name, '}') : NULL;
    *local = end ? end + 1 : name;
    if (*name == '{' && !end)
        return NULL;
    return end ? PyUnicode_DecodeUTF8(name + 1, end - name - 1, "strict") : PyUnicode_FromString("");
}

static int write_attribute(v2gexi_writing *w, PyObject *key, PyObject *value)
{
    const char *name = text_of(key), *local = NULL, *type = NULL;
    Py_ssize_t size = 0;
    const char *text = PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, &size) : NULL;
    PyObject *uri = name && text ? split(name, &local) : NULL;
    const char *uri_text = uri ? PyUnicode_AsUTF8(uri) : NULL;
    int result;
    PyErr_Clear();
    if (!uri_text) {
        result = v2gexi_problem(w, PyUnicode_FromFormat("attribute %.100R: %.100R is none: both have to be texts", key, value));
    } else if (strcmp(local, "type") == 0 && strcmp(uri_text, v2gexi_uris[v2gexi_names[V2GEXI_XSI_type].uri]) == 0) {
        /* Its value is a qualified name. */
        Py_SETREF(uri, text_of(value) ? split(text, &type) : NULL);
        uri_text = uri ? PyUnicode_AsUTF8(uri) : NULL;
        PyErr_Clear();
        result = uri_text ? answer(w, v2gexi_retype_any(&w->encoder, uri_text, type), "xsi:type")
                          : v2gexi_problem(w, PyUnicode_FromFormat("xsi:type: %.100R is no name", value));
    } else {
        result = v2gexi_write_relaxed_attribute(w, uri_text, local, value);
        if (result == 0)
            result = answer(w, v2gexi_put_any_attribute(&w->encoder, uri_text, local, text, (size_t)size), "attribute");
        result = result < 0 ? -1 : 0;
    }
    Py_XDECREF(uri);
    return result;
}

static int write_attributes(v2gexi_writing *w, PyObject *attributes)
{
    if (!PyDict_Check(attributes))
        return v2gexi_wrong_kind(w, "a dictionary of attributes", attributes);
    PyObject *items = PyDict_Items(attributes);
    int result = items ? 0 : -1;
    for (Py_ssize_t at = 0; !result && at < PyList_GET_SIZE(items); at++) {
        PyObject *item = PyList_GET_ITEM(items, at);
        result = write_attribute(w, PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1));
    }
    Py_XDECREF(items);
    return result;
}

static int write_contents(v2gexi_writing *w, PyObject *content)
{
    if (!PyList_Check(content) && !PyTuple_Check(content))
        return v2gexi_wrong_kind(w, "a list", content);
    for (Py_ssize_t number = 0; number < PySequence_Fast_GET_SIZE(content); number++) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(content, number));
        int result = v2gexi_write_item(w, item, number);
        Py_DECREF(item);
        if (result)
            return -1;
    }
    return 0;
}

int v2gexi_write_inside(v2gexi_writing *w, PyObject *any)
{
    PyObject *attributes = PyObject_GetAttrString(any, "attributes"), *content = PyObject_GetAttrString(any, "content");
    int result = -1;
    if (attributes && content && !write_attributes(w, attributes) && !write_contents(w, content))
        result = v2gexi_engine_problem(w, v2gexi_end(&w->encoder));
    Py_XDECREF(attributes);
    Py_XDECREF(content);
    return result;
}

static int write_unknown(v2gexi_writing *w, PyObject *item)
{
    v2gexi_encoder *e = &w->encoder;
    PyObject *name = PyObject_GetAttrString(item, "name"), *namespace = PyObject_GetAttrString(item, "namespace");
    int result = -1;
    if (name && namespace) {
        const char *local = text_of(name), *uri = text_of(namespace);
        PyErr_Clear();
        if (!local || !uri)
            result = v2gexi_problem(w, PyUnicode_FromFormat("%.100R in namespace %.100R is no name", name, namespace));
        else
            result = answer(w, v2gexi_begin_any(e, uri, local), "element that is not its own");
        if (!result && top(&e->walk)->type != NONE)
            result = v2gexi_problem(w, PyUnicode_FromFormat("%U is declared: an Element says what it has", name));
        if (!result)
            result = v2gexi_write_inside(w, item);
    }
    Py_XDECREF(name);
    Py_XDECREF(namespace);
    return result;
}

int v2gexi_write_item(v2gexi_writing *w, PyObject *item, Py_ssize_t number)
{
    int result;
    if (w->depth > V2GEXI_DEPTH)
        return v2gexi_engine_problem(w, V2GEXI_E_DEPTH);
    v2gexi_step *here = &w->steps[w->depth++];
    here->name = NONE;
    here->number = number;
    here->group = 0;
    if (PyUnicode_Check(item)) {
        result = write_characters(w, item);
    } else if (Py_IS_TYPE(item, (PyTypeObject *)v2gexi_element_class)) {
        PyObject *name = PyObject_GetAttrString(item, "name"), *value = PyObject_GetAttrString(item, "value");
        result = name && value ? write_element(w, name, value) : -1;
        Py_XDECREF(name);
        Py_XDECREF(value);
    } else if (Py_IS_TYPE(item, (PyTypeObject *)v2gexi_any_class)) {
        result = write_unknown(w, item);
    } else {
        result = v2gexi_wrong_kind(w, "a text, an Element or an AnyElement", item);
    }
    w->depth--;
    return result;
}
