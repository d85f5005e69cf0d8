/* What the parts of the binding share. */
#ifndef V2GEXI_PYTHON_H
#define V2GEXI_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "encoder.h"
#include "values.h"

/* Texts of one message that others can refer to. Each reference takes time for all of them, so that there must be a bound. */
enum { MOST_STRINGS = 4096 };

/* A message: its slots lie behind this. How a payload's repeated texts were written is remembered in its root. */
typedef struct {
    PyObject_HEAD
    uint8_t texts; /* TEXTS_* */
} record;

enum { TEXTS_UNKNOWN, TEXTS_IN_FULL, TEXTS_REFERRED };

/* An option of encode beside those of the engine: write repeated texts as the payload did that the message is from. */
enum { V2GEXI_AS_READ = 16 };

extern PyTypeObject *v2gexi_record;

/* What is known of the Python class of a complex type, once it has been needed. */
typedef struct {
    PyTypeObject *class;
    Py_ssize_t *offsets; /* of the slots, in the order of the table */
} class_info;

extern class_info *v2gexi_classes;
extern PyObject *v2gexi_element_class, *v2gexi_any_class;

/* The class of a complex type; made now if need be. NULL with an exception set. */
class_info *v2gexi_class_of(uint16_t type);

/* The type of an object of one of the classes; V2GEXI_NONE: it is no message. */
uint16_t v2gexi_type_of(PyObject *object);

/* Interned text of a name, an enumeration's value. Borrowed; NULL with an exception set. */
PyObject *v2gexi_name_object(uint16_t name);
PyObject *v2gexi_enum_object(unsigned index);

/* An object whose slots are empty: None, and lists for those that are lists. */
PyObject *v2gexi_new_object(uint16_t type);

/* The same for the message itself: where several elements have its type, the class says which it is. */
PyObject *v2gexi_new_root(uint16_t type, uint16_t name);

static inline PyObject **slot_at(PyObject *object, const class_info *info, unsigned slot)
{
    return (PyObject **)((char *)object + info->offsets[slot]);
}

static inline const v2gexi_slot *slot_of(uint16_t type, unsigned slot)
{
    return &v2gexi_slots[v2gexi_types[type].first_slot + slot];
}

/* Raise DecodeError(text, path, offset), EncodeError(text, path). `path` is stolen; NULL: none. */
void v2gexi_raise_decode(PyObject *path, PyObject *text, uint32_t offset);
void v2gexi_raise_encode(PyObject *path, PyObject *text);

PyObject *v2gexi_py_decode(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *v2gexi_py_encode(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* What is wrong with a number of that kind: "40000 is above 32767". */
PyObject *v2gexi_range_text(const v2gexi_value *value, PyObject *number);
PyObject *v2gexi_length_text(const v2gexi_value *value, Py_ssize_t length);

/* The value of an event. */
PyObject *v2gexi_value_object(const v2gexi_decoder *d, const v2gexi_event *event);

/* Of a payload that was read to its end: TEXTS_*. */
uint8_t v2gexi_texts_of(const v2gexi_decoder *d);

/* What is being written, for the path of an error. */
typedef struct {
    uint16_t name;
    uint16_t group;    /* whether it is a member of a substitution group */
    Py_ssize_t number; /* in a list: which; -1 */
} v2gexi_step;

typedef struct {
    v2gexi_encoder encoder;
    v2gexi_step steps[V2GEXI_DEPTH + 2];
    unsigned depth;
} v2gexi_writing;

/* Raise EncodeError with the path of what is being written; -1. `text` is stolen. */
int v2gexi_problem(const v2gexi_writing *w, PyObject *text);
int v2gexi_wrong_kind(const v2gexi_writing *w, const char *wanted, PyObject *value);

/* The same for a status of the engine. Where only room is lacking, nothing is raised: the caller mends that. */
int v2gexi_engine_problem(v2gexi_writing *w, int status);

/* Whether the table of texts is what is full. */
static inline int v2gexi_texts_full(const v2gexi_writing *w)
{
    return w->encoder.walk.string_count >= w->encoder.walk.string_capacity;
}

/* Write a value of a simple type, NONE: a text; 0, or -1. */
int v2gexi_write_value(v2gexi_writing *w, uint16_t value_at, uint16_t name, PyObject *value);

/* Write an object as the element that has just begun, with its end. */
int v2gexi_write_object(v2gexi_writing *w, PyObject *object, uint16_t type);
int v2gexi_write_particle(v2gexi_writing *w, const v2gexi_particle *particle, PyObject *value);

/* An item of the content of an ordered type, or of an unknown element. */
int v2gexi_write_item(v2gexi_writing *w, PyObject *item, Py_ssize_t number);

/* The attributes and the content of an AnyElement that has begun, and its end. */
int v2gexi_write_inside(v2gexi_writing *w, PyObject *any);

/* Elements of several types (relaxed.c). Write an object as such an element, whose code has been written. */
int v2gexi_write_relaxed(v2gexi_writing *w, const v2gexi_particle *particle, PyObject *value);

/* Write a declared element in one. */
int v2gexi_write_in_relaxed(v2gexi_writing *w, PyObject *name, PyObject *value);

/* Write an attribute in one: 1. 0: it is not declared, or its text is not of its type; -1: an exception. */
int v2gexi_write_relaxed_attribute(v2gexi_writing *w, const char *uri, const char *local, PyObject *text);

/* The value of an attribute as AnyElement has it. `value` is stolen. */
PyObject *v2gexi_attribute_text(uint16_t value_at, PyObject *value);

extern PyMethodDef v2gexi_table_methods[];

#endif
