/* The tables as Python values, for the classes, XML and dictionaries. Read once per type, so nothing here is in a hurry. */
#include "python.h"

static int type_number(PyObject *argument, unsigned count)
{
    long number = PyLong_AsLong(argument);
    if (number == -1 && PyErr_Occurred())
        return -1;
    if (number < 0 || number >= (long)count) {
        PyErr_SetString(PyExc_IndexError, "the tables have nothing of that number");
        return -1;
    }
    return (int)number;
}

static PyObject *name_pair(uint16_t name)
{
    if (name == V2GEXI_NONE)
        return Py_NewRef(Py_None);
    return Py_BuildValue("(Os)", v2gexi_name_object(name), v2gexi_uris[v2gexi_names[name].uri]);
}

static PyObject *type_info(PyObject *module, PyObject *argument)
{
    (void)module;
    int number = type_number(argument, v2gexi_type_count);
    if (number < 0)
        return NULL;
    const v2gexi_type *type = &v2gexi_types[number];
    PyObject *slots = PyTuple_New(type->slots);
    for (unsigned slot = 0; slots && slot < type->slots; slot++) {
        const v2gexi_slot *of = slot_of((uint16_t)number, slot);
        PyObject *entry = Py_BuildValue("(NiiiB)", name_pair(of->name), of->type == V2GEXI_NONE ? -1 : (int)of->type,
                                        (int)of->min, (int)of->max, of->flags);
        if (!entry)
            Py_CLEAR(slots);
        else
            PyTuple_SET_ITEM(slots, slot, entry);
    }
    if (!slots)
        return NULL;
    return Py_BuildValue("(NiiiBN)", name_pair(type->name), type->base == V2GEXI_NONE ? -1 : (int)type->base,
                         type->value == V2GEXI_NONE ? -1 : (int)type->value,
                         type->start == V2GEXI_NONE ? -1 : (int)type->start, type->flags, slots);
}

static PyObject *value_info(PyObject *module, PyObject *argument)
{
    (void)module;
    int number = type_number(argument, v2gexi_value_count);
    if (number < 0)
        return NULL;
    const v2gexi_value *value = &v2gexi_values[number];
    PyObject *words = PyTuple_New(value->kind == V2GEXI_ENUM ? (Py_ssize_t)value->max : 0);
    for (Py_ssize_t index = 0; words && index < PyTuple_GET_SIZE(words); index++)
        PyTuple_SET_ITEM(words, index, Py_XNewRef(v2gexi_enum_object((unsigned)(value->min + index))));
    if (!words)
        return NULL;
    return Py_BuildValue("(BLKIIBN)", value->kind, (long long)value->min, (unsigned long long)value->max,
                         (unsigned)value->min_length, (unsigned)value->max_length, value->flags, words);
}

static int append_element(PyObject *list, uint16_t name, uint16_t type)
{
    PyObject *entry = Py_BuildValue("(iNi)", (int)name, name_pair(name), (int)type);
    int result = entry ? PyList_Append(list, entry) : -1;
    Py_XDECREF(entry);
    return result;
}

/* An element of several types: one entry for each of its declarations' types. */
static int append_types(PyObject *list, uint16_t name)
{
    int result = 0;
    for (uint16_t type = 0; !result && type < v2gexi_type_count; type++)
        for (uint16_t number = 0; number < v2gexi_particle_count; number++)
            if (v2gexi_particles[number].name == name && v2gexi_particles[number].type == type &&
                !(v2gexi_particles[number].flags & V2GEXI_E_ATTRIBUTE)) {
                result = append_element(list, name, type);
                break;
            }
    return result;
}

static PyObject *element_list(const uint16_t *elements, unsigned count)
{
    PyObject *list = PyList_New(0);
    for (unsigned code = 0; list && code < count; code++) {
        const v2gexi_particle *particle = &v2gexi_particles[elements[code]];
        if (particle->type == V2GEXI_NONE ? append_types(list, particle->name)
                                          : append_element(list, particle->name, particle->type))
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *set_info(PyObject *module, PyObject *argument)
{
    (void)module;
    int number = type_number(argument, v2gexi_set_count);
    if (number < 0)
        return NULL;
    const v2gexi_set *set = &v2gexi_sets[number];
    return Py_BuildValue("(sNN)", set->name, element_list(set->roots, set->root_count),
                         element_list(set->fragments, set->fragment_count));
}

/* A state: pairs of what a production consumes (a particle, or one of V2GEXI_P_*) and the state afterwards. */
static PyObject *state_info(PyObject *module, PyObject *argument)
{
    (void)module;
    int number = type_number(argument, v2gexi_state_count);
    if (number < 0)
        return NULL;
    const v2gexi_state *state = &v2gexi_states[number];
    PyObject *productions = PyTuple_New(state->count);
    for (unsigned code = 0; productions && code < state->count; code++) {
        const v2gexi_production *production = &v2gexi_productions[state->first + code];
        PyObject *entry = Py_BuildValue("(ii)", (int)production->particle, (int)production->next);
        if (!entry)
            Py_CLEAR(productions);
        else
            PyTuple_SET_ITEM(productions, code, entry);
    }
    return productions;
}

static PyObject *particle_info(PyObject *module, PyObject *argument)
{
    (void)module;
    int number = type_number(argument, v2gexi_particle_count);
    if (number < 0)
        return NULL;
    const v2gexi_particle *particle = &v2gexi_particles[number];
    int type = particle->type == V2GEXI_NONE ? -1 : (int)particle->type;
    return Py_BuildValue("(iNiiBB)", (int)particle->name, name_pair(particle->name), type,
                         (int)particle->max, particle->slot, particle->flags);
}

static PyObject *counts(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    return Py_BuildValue("(iii)", (int)v2gexi_set_count, (int)v2gexi_type_count, (int)v2gexi_name_count);
}

PyMethodDef v2gexi_table_methods[] = {
    {"type_info", type_info, METH_O, "type_info(type) -> ((name, namespace), base, value, start state, flags, slots)"},
    {"value_info", value_info, METH_O, "value_info(value) -> (kind, min, max, min_length, max_length, flags, words)"},
    {"set_info", set_info, METH_O, "set_info(set) -> (name, roots, fragment elements)"},
    {"state_info", state_info, METH_O, "state_info(state) -> ((particle, next state), ...)"},
    {"particle_info", particle_info, METH_O, "particle_info(particle) -> (name number, (name, namespace), type, max, slot, flags)"},
    {"counts", counts, METH_NOARGS, "counts() -> (sets, types, names)"},
    {NULL, NULL, 0, NULL},
};
