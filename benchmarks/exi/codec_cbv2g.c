/* libcbv2g: loaded when it is measured, its structs from its own headers. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cbv2g/app_handshake/appHand_Datatypes.h"
#include "cbv2g/common/exi_bitstream.h"
#include "cbv2g/din/din_msgDefDatatypes.h"
#include "cbv2g/iso_2/iso2_msgDefDatatypes.h"
#include "cbv2g/iso_20/iso20_ACDP_Datatypes.h"
#include "cbv2g/iso_20/iso20_AC_Datatypes.h"
#include "cbv2g/iso_20/iso20_CommonMessages_Datatypes.h"
#include "cbv2g/iso_20/iso20_DC_Datatypes.h"
#include "cbv2g/iso_20/iso20_WPT_Datatypes.h"
#include "codec.h"

typedef int (*coder)(exi_bitstream_t *, void *);
typedef void (*stream_init)(exi_bitstream_t *, uint8_t *, size_t, size_t, exi_status_callback);
typedef size_t (*stream_length)(const exi_bitstream_t *);

typedef struct {
    const char *set;
    const char *stem;
    size_t size; /* of the document */
} document;

static const document documents[] = {
    {"app", "appHand", sizeof(struct appHand_exiDocument)},
    {"din", "din", sizeof(struct din_exiDocument)},
    {"iso2", "iso2", sizeof(struct iso2_exiDocument)},
    {"iso20-common", "iso20", sizeof(struct iso20_exiDocument)},
    {"iso20-ac", "iso20_ac", sizeof(struct iso20_ac_exiDocument)},
    {"iso20-dc", "iso20_dc", sizeof(struct iso20_dc_exiDocument)},
    {"iso20-wpt", "iso20_wpt", sizeof(struct iso20_wpt_exiDocument)},
    {"iso20-acdp", "iso20_acdp", sizeof(struct iso20_acdp_exiDocument)},
};
#define DOCUMENTS (sizeof(documents) / sizeof(documents[0]))

typedef struct {
    coder decode, encode;
    uint8_t *payload;
    size_t length;
    void *values; /* the document that is encoded */
    void *decoded;
} message;

static void *library;
static stream_init init;
static stream_length length_of;

static void *symbol(const char *pattern, const char *stem) {
    char name[96];
    snprintf(name, sizeof name, pattern, stem);
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "libcbv2g: no %s\n", name);
        exit(1);
    }
    return found;
}

int cbv2g_open(const char *path) {
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return -1;
    }
    *(void **)&init = symbol("exi_bitstream_init%s", "");
    *(void **)&length_of = symbol("exi_bitstream_get_length%s", "");
    return 0;
}

void cbv2g_sizes(void) {
    for (size_t i = 0; i < DOCUMENTS; i++) {
        printf("libcbv2g %s %zu\n", documents[i].set, documents[i].size);
    }
}

static int decode_into(message *m, void *into) {
    exi_bitstream_t stream;
    init(&stream, m->payload, m->length, 0, NULL);
    return m->decode(&stream, into);
}

static void *prepare(const char *set, const uint8_t *payload, size_t length) {
    const document *d = documents;
    while (d < documents + DOCUMENTS && strcmp(d->set, set) != 0) {
        d++;
    }
    message *m = calloc(1, sizeof *m);
    if (d == documents + DOCUMENTS || !m || !(m->payload = malloc(length)) || !(m->values = calloc(1, d->size)) ||
        !(m->decoded = calloc(1, d->size))) {
        return NULL;
    }
    *(void **)&m->decode = symbol("decode_%s_exiDocument", d->stem);
    *(void **)&m->encode = symbol("encode_%s_exiDocument", d->stem);
    memcpy(m->payload, payload, length);
    m->length = length;
    return decode_into(m, m->values) ? NULL : m;
}

static int decode(void *prepared) {
    message *m = prepared;
    return decode_into(m, m->decoded);
}

static long encode(void *prepared, uint8_t *buffer, size_t capacity) {
    message *m = prepared;
    exi_bitstream_t stream;
    init(&stream, buffer, capacity, 0, NULL);
    int error = m->encode(&stream, m->values);
    return error ? (error < 0 ? error : -error) : (long)length_of(&stream);
}

const codec codec_cbv2g = {"libcbv2g", prepare, decode, encode};
