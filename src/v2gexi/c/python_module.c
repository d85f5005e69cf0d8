/* The module v2gexi._core: classes and texts that decoding and encoding use, and the tables for those that read them. */
#include "python.h"

#include <structmember.h>

class_info *v2gexi_classes;
PyTypeObject *v2gexi_record;
PyObject *v2gexi_element_class, *v2gexi_any_class;
static PyObject *decode_error, *encode_error, *class_factory, *root_classes;
static PyObject **name_objects, **enum_objects;
static PyObject *type_attribute;

static PyObject *interned(PyObject **cache, const char *text)
{
    if (!*cache)
        *cache = PyUnicode_InternFromString(text);
    return *cache;
}

PyObject *v2gexi_name_object(uint16_t name)
{
    return interned(&name_objects[name], &v2gexi_strings[v2gexi_names[name].local]);
}

PyObject *v2gexi_enum_object(unsigned index)
{
    return interned(&enum_objects[index], &v2gexi_strings[v2gexi_enum_values[index]]);
}

/* The name of a slot in Python. */
static PyObject *slot_name(const v2gexi_slot *slot)
{
    if (slot->flags & V2GEXI_L_CONTENT)
        return PyUnicode_InternFromString("content");
    if (slot->flags & V2GEXI_L_TEXT)
        return PyUnicode_InternFromString("value");
    return Py_XNewRef(v2gexi_name_object(slot->name));
}

class_info *v2gexi_class_of(uint16_t type)
{
    class_info *info = &v2gexi_classes[type];
    if (info->class)
        return info;
    if (!class_factory) {
        PyErr_SetString(PyExc_RuntimeError, "v2gexi is not set up");
        return NULL;
    }
    PyObject *class = PyObject_CallFunction(class_factory, "i", (int)type);
    if (!class)
        return NULL;
    Py_DECREF(class); /* kept by register_class() */
    if (!info->class) {
        PyErr_SetString(PyExc_RuntimeError, "the class was not registered");
        return NULL;
    }
    return info;
}

uint16_t v2gexi_type_of(PyObject *object)
{
    PyObject *number = PyObject_GetAttr((PyObject *)Py_TYPE(object), type_attribute);
    if (!number) {
        PyErr_Clear();
        return V2GEXI_NONE;
    }
    long type = PyLong_Check(number) ? PyLong_AsLong(number) : -1;
    Py_DECREF(number);
    /* Only what was made from the table has its slots. */
    if (type < 0 || type >= v2gexi_type_count || !v2gexi_classes[type].class ||
        !PyType_IsSubtype(Py_TYPE(object), v2gexi_classes[type].class))
        return V2GEXI_NONE;
    return (uint16_t)type;
}

static int fill(PyObject *object, uint16_t type)
{
    const class_info *info = &v2gexi_classes[type];
    for (unsigned slot = 0; slot < v2gexi_types[type].slots; slot++) {
        PyObject *empty = slot_of(type, slot)->flags & (V2GEXI_L_LIST | V2GEXI_L_CONTENT) ? PyList_New(0) : Py_NewRef(Py_None);
        if (!empty)
            return -1;
        Py_XSETREF(*slot_at(object, info, slot), empty);
    }
    return 0;
}

PyObject *v2gexi_new_object(uint16_t type)
{
    class_info *info = v2gexi_class_of(type);
    PyObject *object = info ? info->class->tp_alloc(info->class, 0) : NULL;
    if (object && fill(object, type))
        Py_CLEAR(object);
    return object;
}

PyObject *v2gexi_new_root(uint16_t type, uint16_t name)
{
    class_info *info = v2gexi_class_of(type);
    if (!info || PyDict_GET_SIZE(root_classes) == 0)
        return info ? v2gexi_new_object(type) : NULL;
    PyObject *number = PyLong_FromLong(name);
    PyObject *class = number ? PyDict_GetItemWithError(root_classes, number) : NULL;
    Py_XDECREF(number);
    if (PyErr_Occurred())
        return NULL;
    /* xsi:type may have made another type of it. */
    if (!class || !PyType_IsSubtype((PyTypeObject *)class, info->class))
        return v2gexi_new_object(type);
    PyObject *object = ((PyTypeObject *)class)->tp_alloc((PyTypeObject *)class, 0);
    if (object && fill(object, type))
        Py_CLEAR(object);
    return object;
}

/* A class for the messages of one element, where several elements have a type. It adds nothing to the type's. */
static PyObject *register_root(PyObject *module, PyObject *arguments)
{
    int type;
    PyObject *name;
    PyTypeObject *class;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "iO!O!", &type, &PyLong_Type, &name, &PyType_Type, &class))
        return NULL;
    if (type < 0 || type >= v2gexi_type_count || !v2gexi_classes[type].class ||
        !PyType_IsSubtype(class, v2gexi_classes[type].class)) {
        PyErr_SetString(PyExc_ValueError, "the class does not derive from that of the type");
        return NULL;
    }
    if (PyDict_SetItem(root_classes, name, (PyObject *)class))
        return NULL;
    Py_RETURN_NONE;
}

void v2gexi_raise_decode(PyObject *path, PyObject *text, uint32_t offset)
{
    if (path && text) {
        PyObject *error = PyObject_CallFunction(decode_error, "OOI", text, path, (unsigned)offset);
        if (error)
            PyErr_SetObject(decode_error, error);
        Py_XDECREF(error);
    }
    Py_XDECREF(path);
    Py_XDECREF(text);
}

void v2gexi_raise_encode(PyObject *path, PyObject *text)
{
    if (path && text) {
        PyObject *error = PyObject_CallFunction(encode_error, "OO", text, path);
        if (error)
            PyErr_SetObject(encode_error, error);
        Py_XDECREF(error);
    }
    Py_XDECREF(path);
    Py_XDECREF(text);
}

/* A number, or how long it is: Python refuses to write out those of thousands of digits. */
static PyObject *number_shown(PyObject *number)
{
    enum { SHORT_BITS = 512 };
    PyObject *length = PyObject_CallMethod(number, "bit_length", NULL);
    long bits = length ? PyLong_AsLong(length) : -1;
    Py_XDECREF(length);
    if (bits < 0)
        return NULL;
    return bits <= SHORT_BITS ? PyObject_Str(number) : PyUnicode_FromFormat("a number of %ld bits", bits);
}

PyObject *v2gexi_range_text(const v2gexi_value *value, PyObject *number)
{
    PyObject *least = PyLong_FromLongLong(value->min), *most = PyLong_FromUnsignedLongLong(value->max);
    PyObject *text = NULL, *shown = number_shown(number);
    if (least && most && shown) {
        int above = PyObject_RichCompareBool(number, most, Py_GT);
        if (above >= 0)
            text = above ? PyUnicode_FromFormat("%U is above %R", shown, most)
                         : PyUnicode_FromFormat("%U is below %R", shown, least);
    }
    Py_XDECREF(shown);
    Py_XDECREF(least);
    Py_XDECREF(most);
    return text;
}

PyObject *v2gexi_length_text(const v2gexi_value *value, Py_ssize_t length)
{
    const char *unit = value->kind == V2GEXI_STRING ? "characters" : "bytes";
    if (length > 0 && (size_t)length > value->max_length)
        return PyUnicode_FromFormat("%zd %s are more than %u", length, unit, (unsigned)value->max_length);
    return PyUnicode_FromFormat("%zd %s are less than %u", length, unit, (unsigned)value->min_length);
}

/* The base of all message classes: slots begin empty, and are set by keyword. */

static int check_known(PyObject *self, uint16_t type, PyObject *name)
{
    for (unsigned slot = 0; slot < v2gexi_types[type].slots; slot++) {
        PyObject *known = slot_name(slot_of(type, slot));
        if (!known)
            return -1;
        int same = PyUnicode_Compare(known, name) == 0;
        Py_DECREF(known);
        if (same)
            return (int)slot;
    }
    PyErr_Format(PyExc_TypeError, "%s has no %U", Py_TYPE(self)->tp_name, name);
    return -1;
}

static int message_init(PyObject *self, PyObject *arguments, PyObject *values)
{
    uint16_t type = v2gexi_type_of(self);
    if (type == V2GEXI_NONE) {
        PyErr_Format(PyExc_TypeError, "%s is no message class", Py_TYPE(self)->tp_name);
        return -1;
    }
    if (PyTuple_GET_SIZE(arguments) > 0) {
        PyErr_Format(PyExc_TypeError, "%s takes its values by name", Py_TYPE(self)->tp_name);
        return -1;
    }
    const class_info *info = &v2gexi_classes[type];
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (values && PyDict_Next(values, &at, &name, &value)) {
        int slot = check_known(self, type, name);
        if (slot < 0)
            return -1;
        PyObject *kept = slot_of(type, (unsigned)slot)->flags & (V2GEXI_L_LIST | V2GEXI_L_CONTENT) && value != Py_None
                             ? PySequence_List(value)
                             : Py_NewRef(value);
        if (!kept)
            return -1;
        if (kept == Py_None && slot_of(type, (unsigned)slot)->flags & (V2GEXI_L_LIST | V2GEXI_L_CONTENT))
            Py_SETREF(kept, PyList_New(0));
        Py_XSETREF(*slot_at(self, info, (unsigned)slot), kept);
    }
    PyObject *missing = NULL;
    for (unsigned slot = 0; slot < v2gexi_types[type].slots; slot++) {
        const v2gexi_slot *declared = slot_of(type, slot);
        if (!(declared->flags & V2GEXI_L_REQUIRED) || declared->flags & (V2GEXI_L_LIST | V2GEXI_L_CONTENT) ||
            *slot_at(self, info, slot) != Py_None)
            continue;
        PyObject *lacking = slot_name(declared);
        PyObject *longer = !lacking  ? NULL
                           : missing ? PyUnicode_FromFormat("%U, %U", missing, lacking)
                                     : Py_NewRef(lacking);
        Py_XDECREF(lacking);
        Py_XSETREF(missing, longer);
        if (!missing)
            return -1;
    }
    if (missing) {
        PyErr_Format(PyExc_TypeError, "%s needs %U", Py_TYPE(self)->tp_name, missing);
        Py_DECREF(missing);
        return -1;
    }
    return 0;
}

static PyObject *message_new(PyTypeObject *class, PyObject *arguments, PyObject *values)
{
    (void)arguments;
    (void)values;
    PyObject *self = class->tp_alloc(class, 0);
    uint16_t type = self ? v2gexi_type_of(self) : V2GEXI_NONE;
    if (type != V2GEXI_NONE && fill(self, type))
        Py_CLEAR(self);
    return self;
}

static PyMemberDef message_members[] = {
    {"_texts", T_UBYTE, offsetof(record, texts), 0, "How the payload that it is from wrote repeated texts."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot message_slots[] = {
    {Py_tp_doc, "Base of the message classes. Values are given by name."},
    {Py_tp_new, message_new},
    {Py_tp_init, message_init},
    {Py_tp_members, message_members},
    {0, NULL},
};
static PyType_Spec message_spec = {"v2gexi._core.Record", sizeof(record), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                   message_slots};

static PyObject *register_class(PyObject *module, PyObject *arguments)
{
    int type;
    PyTypeObject *class;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "iO!", &type, &PyType_Type, &class))
        return NULL;
    if (type < 0 || type >= v2gexi_type_count || v2gexi_classes[type].class) {
        PyErr_SetString(PyExc_ValueError, "no type of that number, or it has its class");
        return NULL;
    }
    unsigned count = v2gexi_types[type].slots;
    Py_ssize_t *offsets = PyMem_Calloc(count ? count : 1, sizeof *offsets);
    if (!offsets)
        return PyErr_NoMemory();
    for (unsigned slot = 0; slot < count; slot++) {
        PyObject *name = slot_name(slot_of((uint16_t)type, slot));
        PyObject *member = name ? PyObject_GetAttr((PyObject *)class, name) : NULL;
        int good = member && Py_IS_TYPE(member, &PyMemberDescr_Type);
        if (good)
            offsets[slot] = ((PyMemberDescrObject *)member)->d_member->offset;
        else if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "%s has no slot %U", class->tp_name, name);
        Py_XDECREF(name);
        Py_XDECREF(member);
        if (!good) {
            PyMem_Free(offsets);
            return NULL;
        }
    }
    v2gexi_classes[type].offsets = offsets;
    v2gexi_classes[type].class = (PyTypeObject *)Py_NewRef(class);
    Py_RETURN_NONE;
}

static PyObject *set_up(PyObject *module, PyObject *arguments)
{
    PyObject *factory, *element, *any, *decode, *encode;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "OOOOO", &factory, &element, &any, &decode, &encode))
        return NULL;
    Py_XSETREF(class_factory, Py_NewRef(factory));
    Py_XSETREF(v2gexi_element_class, Py_NewRef(element));
    Py_XSETREF(v2gexi_any_class, Py_NewRef(any));
    Py_XSETREF(decode_error, Py_NewRef(decode));
    Py_XSETREF(encode_error, Py_NewRef(encode));
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"decode", (PyCFunction)(void (*)(void))v2gexi_py_decode, METH_FASTCALL, "decode(payload, set, options) -> message"},
    {"encode", (PyCFunction)(void (*)(void))v2gexi_py_encode, METH_FASTCALL, "encode(message, set, name, options) -> bytes"},
    {"register_class", register_class, METH_VARARGS, "register_class(type, class): slots are known from now on"},
    {"register_root", register_root, METH_VARARGS, "register_root(type, name, class): for messages of that element"},
    {"set_up", set_up, METH_VARARGS, "set_up(class factory, Element, AnyElement, DecodeError, EncodeError)"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_core", "The engine and its tables.", -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__core(void)
{
    unsigned enum_count = 0;
    for (unsigned type = 0; type < v2gexi_type_count; type++) {
        if (v2gexi_types[type].value == V2GEXI_NONE)
            continue;
        const v2gexi_value *value = &v2gexi_values[v2gexi_types[type].value];
        if (value->kind == V2GEXI_ENUM && (unsigned)value->min + value->max > enum_count)
            enum_count = (unsigned)value->min + (unsigned)value->max;
    }
    v2gexi_classes = PyMem_Calloc(v2gexi_type_count, sizeof *v2gexi_classes);
    name_objects = PyMem_Calloc(v2gexi_name_count, sizeof *name_objects);
    enum_objects = PyMem_Calloc(enum_count ? enum_count : 1, sizeof *enum_objects);
    type_attribute = PyUnicode_InternFromString("_type");
    root_classes = PyDict_New();
    if (!v2gexi_classes || !name_objects || !enum_objects || !type_attribute || !root_classes)
        return PyErr_NoMemory();
    PyObject *module = PyModule_Create(&definition);
    v2gexi_record = module ? (PyTypeObject *)PyType_FromSpec(&message_spec) : NULL;
    if (!v2gexi_record || PyModule_AddObjectRef(module, "Record", (PyObject *)v2gexi_record) || PyModule_AddFunctions(module, v2gexi_table_methods))
        Py_CLEAR(module);
    return module;
}
