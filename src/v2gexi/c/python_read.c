/* From the values of a payload to objects. */
#include "python.h"

static PyObject *text_object(const v2gexi_decoder *d, const v2gexi_event *event)
{
    if (event->length == 0)
        return PyUnicode_FromStringAndSize("", 0);
    /* ASCII has as many bytes as characters. */
    char stack[256];
    if (event->length <= sizeof stack / 4) {
        size_t size = v2gexi_text(d, event, stack, sizeof stack);
        return PyUnicode_DecodeUTF8(stack, (Py_ssize_t)size, "strict");
    }
    size_t size = v2gexi_text(d, event, NULL, 0);
    char *heap = PyMem_Malloc(size);
    if (!heap)
        return PyErr_NoMemory();
    v2gexi_text(d, event, heap, size);
    PyObject *text = PyUnicode_DecodeUTF8(heap, (Py_ssize_t)size, "strict");
    PyMem_Free(heap);
    return text;
}

static PyObject *big_object(const v2gexi_decoder *d, const v2gexi_event *event)
{
    size_t size = v2gexi_magnitude(d, event, NULL, 0);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (!bytes)
        return NULL;
    v2gexi_magnitude(d, event, (uint8_t *)PyBytes_AS_STRING(bytes), size);
    PyObject *number = PyObject_CallMethod((PyObject *)&PyLong_Type, "from_bytes", "Os", bytes, "little");
    Py_DECREF(bytes);
    if (number && event->negative)
        Py_SETREF(number, PyNumber_Negative(number));
    return number;
}

static PyObject *float_object(const v2gexi_event *event)
{
    if (event->exponent == -16384)
        return PyFloat_FromDouble(event->value.i == 1    ? Py_HUGE_VAL
                                  : event->value.i == -1 ? -Py_HUGE_VAL
                                                         : Py_NAN);
    char text[48];
    PyOS_snprintf(text, sizeof text, "%llde%d", (long long)event->value.i, event->exponent);
    double number = PyOS_string_to_double(text, NULL, NULL);
    if (number == -1.0 && PyErr_Occurred())
        return NULL;
    return PyFloat_FromDouble(number);
}

static PyObject *decimal_object(const v2gexi_event *event)
{
    /* The digits behind the point come backwards. */
    char text[64];
    int at = PyOS_snprintf(text, sizeof text, "%s%llu.", event->negative ? "-" : "", (unsigned long long)event->value.u);
    uint64_t digits = event->fraction;
    do {
        text[at++] = (char)('0' + digits % 10);
        digits /= 10;
    } while (digits);
    PyObject *module = PyImport_ImportModule("decimal");
    PyObject *number = module ? PyObject_CallMethod(module, "Decimal", "s#", text, (Py_ssize_t)at) : NULL;
    Py_XDECREF(module);
    return number;
}

PyObject *v2gexi_value_object(const v2gexi_decoder *d, const v2gexi_event *event)
{
    switch (event->value_kind) {
    case V2GEXI_BOOLEAN:
        return PyBool_FromLong((long)event->value.u);
    case V2GEXI_ENUM:
        return Py_XNewRef(v2gexi_enum_object((unsigned)(v2gexi_values[event->value_at].min + (int64_t)event->value.u)));
    case V2GEXI_NBIT:
    case V2GEXI_INTEGER:
        return PyLong_FromLongLong(event->value.i);
    case V2GEXI_UNSIGNED:
        return PyLong_FromUnsignedLongLong(event->value.u);
    case V2GEXI_BIG:
        return big_object(d, event);
    case V2GEXI_FLOAT:
        return float_object(event);
    case V2GEXI_DECIMAL:
        return decimal_object(event);
    case V2GEXI_STRING:
        return text_object(d, event);
    default: {
        PyObject *bytes = PyBytes_FromStringAndSize(NULL, event->length);
        if (bytes)
            v2gexi_bytes(d, event, (uint8_t *)PyBytes_AS_STRING(bytes));
        return bytes;
    }
    }
}

/* Whether the payload has a text twice in full, or refers to an earlier one. */
uint8_t v2gexi_texts_of(const v2gexi_decoder *d)
{
    enum { MOST = 512 };
    const v2gexi_walk *walk = &d->walk;
    if (walk->options & OPTION_REFERRED)
        return TEXTS_REFERRED;
    for (uint32_t later = 1; later < walk->string_count && later < MOST; later++)
        for (uint32_t earlier = 0; earlier < later; earlier++) {
            const v2gexi_string *one = &walk->strings[earlier], *other = &walk->strings[later];
            if (one->length != other->length)
                continue;
            uint32_t at = one->position, beside = other->position, left = one->length;
            while (left && v2gexi_character(d->data, &at) == v2gexi_character(d->data, &beside))
                left--;
            if (!left)
                return TEXTS_IN_FULL;
        }
    return TEXTS_UNKNOWN;
}
