/* From objects to the values of a payload, and what is wrong with them. */
#include "python.h"

static PyObject *path_of(const v2gexi_writing *w)
{
    unsigned first = 0;
    for (unsigned depth = 0; depth < w->depth; depth++)
        if (w->steps[depth].group) {
            first = depth;
            break;
        }
    PyObject *path = PyUnicode_FromString("");
    for (unsigned depth = first; path && depth < w->depth; depth++) {
        const v2gexi_step *at = &w->steps[depth];
        PyObject *name = at->name == NONE ? PyUnicode_FromString("content") : Py_XNewRef(v2gexi_name_object(at->name));
        if (!name) {
            Py_CLEAR(path);
            break;
        }
        const char *point = depth > first ? "." : "";
        PyObject *longer = at->number >= 0 ? PyUnicode_FromFormat("%U%s%U[%zd]", path, point, name, at->number)
                                           : PyUnicode_FromFormat("%U%s%U", path, point, name);
        Py_DECREF(name);
        Py_SETREF(path, longer);
    }
    return path;
}

/* Raise EncodeError with what stands there; -1. `text` is stolen. */
int v2gexi_problem(const v2gexi_writing *w, PyObject *text)
{
    v2gexi_raise_encode(path_of(w), text);
    return -1;
}

int v2gexi_wrong_kind(const v2gexi_writing *w, const char *wanted, PyObject *value)
{
    return v2gexi_problem(w, PyUnicode_FromFormat("%.100R is a %s, not %s", value, Py_TYPE(value)->tp_name, wanted));
}

/* What the engine says: out of room is for the caller to mend. */
int v2gexi_engine_problem(v2gexi_writing *w, int status)
{
    if (status == V2GEXI_OK)
        return 0;
    if (status == V2GEXI_E_SPACE || (status == V2GEXI_E_MEMORY && v2gexi_texts_full(w)))
        return -1;
    return v2gexi_problem(w, PyUnicode_FromString(v2gexi_status_text(status)));
}

static int write_number(v2gexi_writing *w, uint16_t value_at, PyObject *value)
{
    const v2gexi_value *allowed = &v2gexi_values[value_at];
    v2gexi_encoder *e = &w->encoder;
    if (!PyLong_Check(value) || PyBool_Check(value))
        return v2gexi_wrong_kind(w, "an integer", value);
    int overflow, status;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (!overflow) {
        status = v2gexi_write_int(e, value_at, number);
    } else if (allowed->kind == V2GEXI_UNSIGNED && overflow > 0) {
        unsigned long long big = PyLong_AsUnsignedLongLong(value);
        if (PyErr_Occurred()) {
            PyErr_Clear();
            status = V2GEXI_E_RANGE;
        } else {
            status = v2gexi_write_uint(e, value_at, big);
        }
    } else if (allowed->kind == V2GEXI_BIG) {
        PyObject *magnitude = PyNumber_Absolute(value);
        PyObject *bytes = magnitude ? PyObject_CallMethod(magnitude, "bit_length", NULL) : NULL;
        if (bytes)
            Py_SETREF(bytes, PyObject_CallMethod(magnitude, "to_bytes", "ns", (PyLong_AsSsize_t(bytes) + 7) / 8, "little"));
        Py_XDECREF(magnitude);
        if (!bytes)
            return -1;
        status = v2gexi_write_big(e, value_at, overflow < 0, (const uint8_t *)PyBytes_AS_STRING(bytes),
                                  (size_t)PyBytes_GET_SIZE(bytes));
        Py_DECREF(bytes);
    } else {
        status = V2GEXI_E_RANGE;
    }
    if (status == V2GEXI_E_RANGE)
        return v2gexi_problem(w, allowed->kind == V2GEXI_BIG ? PyUnicode_FromFormat("%R is below 0", value)
                                                      : v2gexi_range_text(allowed, value));
    return v2gexi_engine_problem(w, status);
}

static int write_enum(v2gexi_writing *w, uint16_t value_at, PyObject *value)
{
    const v2gexi_value *allowed = &v2gexi_values[value_at];
    unsigned first = (unsigned)allowed->min, count = (unsigned)allowed->max;
    if (!PyUnicode_Check(value))
        return v2gexi_wrong_kind(w, "a text", value);
    for (unsigned index = 0; index < count; index++)
        if (v2gexi_enum_object(first + index) == value)
            return v2gexi_engine_problem(w, v2gexi_write_uint(&w->encoder, value_at, index));
    for (unsigned index = 0; index < count; index++)
        if (PyUnicode_CompareWithASCIIString(value, &v2gexi_strings[v2gexi_enum_values[first + index]]) == 0)
            return v2gexi_engine_problem(w, v2gexi_write_uint(&w->encoder, value_at, index));
    PyObject *words = PyList_New(0), *comma = PyUnicode_FromString(", "), *list = NULL;
    for (unsigned index = 0; words && index < count; index++)
        if (PyList_Append(words, v2gexi_enum_object(first + index)))
            Py_CLEAR(words);
    if (words && comma)
        list = PyUnicode_Join(comma, words);
    Py_XDECREF(words);
    Py_XDECREF(comma);
    if (!list)
        return -1;
    int result = v2gexi_problem(w, PyUnicode_FromFormat("%.100R is none of %U", value, list));
    Py_DECREF(list);
    return result;
}

static int write_text(v2gexi_writing *w, uint16_t value_at, uint16_t name, PyObject *value)
{
    if (!PyUnicode_Check(value))
        return v2gexi_wrong_kind(w, "a text", value);
    Py_ssize_t size;
    const char *utf8 = PyUnicode_AsUTF8AndSize(value, &size);
    if (!utf8) {
        PyErr_Clear();
        return v2gexi_problem(w, PyUnicode_FromFormat("%.100R has characters that no text can have", value));
    }
    int status = v2gexi_write_text(&w->encoder, value_at, name, utf8, (size_t)size);
    if (status == V2GEXI_E_LENGTH)
        return v2gexi_problem(w, v2gexi_length_text(&v2gexi_values[value_at], PyUnicode_GET_LENGTH(value)));
    return v2gexi_engine_problem(w, status);
}

static int write_bytes(v2gexi_writing *w, uint16_t value_at, PyObject *value)
{
    Py_buffer bytes;
    if (!PyObject_CheckBuffer(value) || PyObject_GetBuffer(value, &bytes, PyBUF_SIMPLE)) {
        PyErr_Clear();
        return v2gexi_wrong_kind(w, "bytes", value);
    }
    int status = v2gexi_write_bytes(&w->encoder, value_at, bytes.buf, (size_t)bytes.len);
    Py_ssize_t length = bytes.len;
    PyBuffer_Release(&bytes);
    if (status == V2GEXI_E_LENGTH)
        return v2gexi_problem(w, v2gexi_length_text(&v2gexi_values[value_at], length));
    return v2gexi_engine_problem(w, status);
}

/* Floats and decimals go through their decimal text: sign, digits, exponent. */
static int write_real(v2gexi_writing *w, uint16_t value_at, PyObject *value)
{
    PyObject *module = PyImport_ImportModule("v2gexi._reals");
    const char *name = v2gexi_values[value_at].kind == V2GEXI_FLOAT ? "float_parts" : "decimal_parts";
    PyObject *parts = module ? PyObject_CallMethod(module, name, "O", value) : NULL;
    Py_XDECREF(module);
    if (!parts) {
        if (!PyErr_ExceptionMatches(PyExc_ValueError) && !PyErr_ExceptionMatches(PyExc_TypeError))
            return -1;
        PyErr_Clear();
        return v2gexi_wrong_kind(w, "a number that can be written", value);
    }
    int status;
    if (v2gexi_values[value_at].kind == V2GEXI_FLOAT) {
        long long mantissa;
        int exponent;
        status = PyArg_ParseTuple(parts, "Li", &mantissa, &exponent)
                     ? v2gexi_write_float(&w->encoder, value_at, mantissa, exponent)
                     : V2GEXI_E_OVERFLOW;
    } else {
        int negative;
        unsigned long long integral, fraction;
        status = PyArg_ParseTuple(parts, "pKK", &negative, &integral, &fraction)
                     ? v2gexi_write_decimal(&w->encoder, value_at, negative, integral, fraction)
                     : V2GEXI_E_OVERFLOW;
    }
    Py_DECREF(parts);
    PyErr_Clear();
    return v2gexi_engine_problem(w, status);
}

int v2gexi_write_value(v2gexi_writing *w, uint16_t value_at, uint16_t name, PyObject *value)
{
    if (value_at == NONE)
        return write_text(w, value_at, name, value);
    switch (v2gexi_values[value_at].kind) {
    case V2GEXI_BOOLEAN:
        if (!PyBool_Check(value))
            return v2gexi_wrong_kind(w, "True or False", value);
        return v2gexi_engine_problem(w, v2gexi_write_uint(&w->encoder, value_at, value == Py_True));
    case V2GEXI_ENUM:
        return write_enum(w, value_at, value);
    case V2GEXI_STRING:
        return write_text(w, value_at, name, value);
    case V2GEXI_HEX:
    case V2GEXI_BASE64:
        return write_bytes(w, value_at, value);
    case V2GEXI_FLOAT:
    case V2GEXI_DECIMAL:
        return write_real(w, value_at, value);
    default:
        return write_number(w, value_at, value);
    }
}
