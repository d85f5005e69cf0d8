/* Elements that a schema declares with several types: v2gexi._relaxed says what an object of a class is there. */
#include "names.h"
#include "python.h"
#include "relaxed.h"

#include <string.h>

/* The result of a function of v2gexi._relaxed. */
static PyObject *ask(const char *function, const char *format, ...)
{
    PyObject *module = PyImport_ImportModule("v2gexi._relaxed");
    PyObject *callable = module ? PyObject_GetAttrString(module, function) : NULL;
    va_list values;
    va_start(values, format);
    PyObject *arguments = callable ? Py_VaBuildValue(format, values) : NULL;
    va_end(values);
    PyObject *result = arguments ? PyObject_CallObject(callable, arguments) : NULL;
    Py_XDECREF(module);
    Py_XDECREF(callable);
    Py_XDECREF(arguments);
    return result;
}

int v2gexi_write_relaxed(v2gexi_writing *w, const v2gexi_particle *particle, PyObject *value)
{
    const v2gexi_name *name = &v2gexi_names[particle->name];
    int lenient = (w->encoder.walk.options & V2GEXI_LENIENT) != 0;
    PyObject *whole = ask("loosened", "(Ossi)", value, &v2gexi_strings[name->local], v2gexi_uris[name->uri], lenient);
    if (!whole)
        return -1;
    int result;
    if (v2gexi_push(&w->encoder.walk, particle->name, (uint16_t)(particle - v2gexi_particles), NONE))
        result = v2gexi_engine_problem(w, w->encoder.walk.status);
    else
        result = v2gexi_write_inside(w, whole);
    Py_DECREF(whole);
    return result;
}

int v2gexi_write_in_relaxed(v2gexi_writing *w, PyObject *name, PyObject *value)
{
    v2gexi_encoder *e = &w->encoder;
    const v2gexi_set *set = e->walk.set;
    uint16_t own = v2gexi_type_of(value);
    const v2gexi_particle *found = NULL;
    for (unsigned number = 0; number < set->fragment_count; number++) {
        const v2gexi_particle *element = &v2gexi_particles[set->fragments[number]];
        if (PyUnicode_CompareWithASCIIString(name, &v2gexi_strings[v2gexi_names[element->name].local]) != 0)
            continue;
        if (element->type != NONE &&
            (v2gexi_types[element->type].flags & V2GEXI_T_SIMPLE ? own != NONE : !v2gexi_is_a(own, element->type)))
            continue;
        if (found)
            return v2gexi_problem(w, PyUnicode_FromFormat("%R is an element of several namespaces", name));
        found = element;
    }
    if (!found)
        return v2gexi_problem(w, PyUnicode_FromFormat("%R is not allowed here", name));
    w->steps[w->depth - 1].name = found->name;
    found = v2gexi_relaxed_enter(e, top(&e->walk), found->name, RELAXED_ELEMENTS);
    if (!found)
        return v2gexi_problem(w, PyUnicode_FromFormat("%R is not allowed here", name));
    return v2gexi_write_particle(w, found, value);
}

int v2gexi_write_relaxed_attribute(v2gexi_writing *w, const char *uri, const char *local, PyObject *text)
{
    v2gexi_encoder *e = &w->encoder;
    const v2gexi_set *set = e->walk.set;
    if (!v2gexi_is_relaxed(top(&e->walk)) || top(&e->walk)->state == STATE_RELAXED_CONTENT)
        return 0;
    const v2gexi_name *xsi_nil = &v2gexi_names[V2GEXI_XSI_nil];
    if (strcmp(uri, v2gexi_uris[xsi_nil->uri]) == 0 && strcmp(local, &v2gexi_strings[xsi_nil->local]) == 0) {
        int nil = PyUnicode_CompareWithASCIIString(text, "true") == 0;
        return v2gexi_engine_problem(w, v2gexi_put_nil(e, nil)) ? -1 : 1;
    }
    for (unsigned number = 0; number < set->attribute_count; number++) {
        const v2gexi_particle *attribute = &v2gexi_particles[set->attributes[number]];
        const v2gexi_name *name = &v2gexi_names[attribute->name];
        if (strcmp(&v2gexi_strings[name->local], local) != 0 || strcmp(v2gexi_uris[name->uri], uri) != 0)
            continue;
        PyObject *value = ask("from_text", "(iO)", (int)v2gexi_types[attribute->type].value, text);
        if (!value)
            return -1;
        if (value == Py_None) {
            Py_DECREF(value);
            if (e->walk.options & V2GEXI_LENIENT)
                return 0;
            return v2gexi_problem(w, PyUnicode_FromFormat("attribute %s: %.100R is not of its type", local, text));
        }
        int result = v2gexi_relaxed_enter(e, top(&e->walk), attribute->name, RELAXED_ATTRIBUTES)
                         ? v2gexi_write_particle(w, attribute, value)
                         : v2gexi_problem(w, PyUnicode_FromFormat("attribute %s is not allowed here", local));
        Py_DECREF(value);
        return result ? -1 : 1;
    }
    return 0;
}

PyObject *v2gexi_attribute_text(uint16_t value_at, PyObject *value)
{
    PyObject *text = value && !PyUnicode_Check(value) ? ask("text_of", "(iO)", (int)value_at, value) : Py_XNewRef(value);
    Py_XDECREF(value);
    return text;
}
