/* Times, or counts the instructions of, decoding and encoding of the messages in a file, lines `set name hex`.
 *
 *     measure verify MESSAGES [LIBRARY]          what each codec can decode and encode again to the same bytes
 *     measure time MESSAGES ROUNDS [LIBRARY]
 *     measure count MESSAGES [LIBRARY]           under valgrind --tool=callgrind
 *     measure sizes                              bytes of memory that a message takes
 *
 * Prints lines `codec operation message value value`: nanoseconds per message, median and least of the rounds. Each
 * round does every message with every codec, one after the other, so that what disturbs one disturbs all. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec.h"
#if defined(__has_include)
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif

enum { MESSAGES = 64, CODECS = 2, PAYLOAD = 8192, BATCH = 100, COUNTED = 10, ROUNDS = 100000 };

typedef struct {
    char label[97];
    uint8_t payload[PAYLOAD];
    size_t length;
    void *prepared[CODECS];
    double *ns[CODECS][2];
} message;

static const codec *codecs[CODECS] = {&codec_v2gexi};
static int codec_count = 1;
static const char *const operations[2] = {"decode", "encode"};
static message messages[MESSAGES];
static int message_count;
static uint8_t out[PAYLOAD];

static void fail(const char *what, const char *which) {
    fprintf(stderr, "measure: %s %s\n", what, which);
    exit(1);
}

static void read_messages(const char *path) {
    FILE *file = fopen(path, "r");
    static char set[32], name[64], hex[2 * PAYLOAD + 1]; /* as wide as the format below says */
    if (!file) {
        fail("cannot read", path);
    }
    while (fscanf(file, "%31s %63s %16384s", set, name, hex) == 3) {
        if (message_count == MESSAGES) {
            fail("too many messages in", path);
        }
        message *m = &messages[message_count++];
        snprintf(m->label, sizeof m->label, "%s/%s", set, name);
        m->length = strlen(hex) / 2;
        for (size_t i = 0; i < m->length; i++) {
            unsigned byte = 0;
            sscanf(hex + 2 * i, "%2x", &byte);
            m->payload[i] = (uint8_t)byte;
        }
        for (int c = 0; c < codec_count; c++) {
            m->prepared[c] = codecs[c]->prepare(set, m->payload, m->length);
        }
    }
    fclose(file);
}

static const char *check(const message *m, int c) {
    if (!m->prepared[c]) {
        return "cannot be prepared";
    }
    if (codecs[c]->decode(m->prepared[c])) {
        return "is not decoded";
    }
    long length = codecs[c]->encode(m->prepared[c], out, sizeof out);
    if (length < 0) {
        return "is not encoded";
    }
    if ((size_t)length != m->length || memcmp(out, m->payload, m->length) != 0) {
        return "is encoded to other bytes";
    }
    return NULL;
}

static void check_all(int strict) {
    for (int i = 0; i < message_count; i++) {
        for (int c = 0; c < codec_count; c++) {
            const char *wrong = check(&messages[i], c);
            if (!strict) {
                printf("%s %s %s\n", codecs[c]->name, messages[i].label, wrong ? wrong : "same bytes");
            } else if (wrong) {
                fprintf(stderr, "%s: %s ", codecs[c]->name, messages[i].label);
                fail("message", wrong);
            }
        }
    }
}

static void run(const message *m, int c, int operation, int times) {
    const codec *with = codecs[c];
    void *prepared = m->prepared[c];
    if (operation == 0) {
        for (int i = 0; i < times; i++) {
            with->decode(prepared);
        }
    } else {
        for (int i = 0; i < times; i++) {
            with->encode(prepared, out, sizeof out);
        }
    }
}

static double now_ns(void) {
    struct timespec t; /* of this thread alone: others on this machine do not count */
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_all(int rounds) {
    for (int i = 0; i < message_count; i++) {
        for (int c = 0; c < codec_count; c++) {
            messages[i].ns[c][0] = calloc((size_t)rounds, sizeof(double));
            messages[i].ns[c][1] = calloc((size_t)rounds, sizeof(double));
        }
    }
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < message_count; i++) {
            for (int k = 0; k < 2 * codec_count; k++) {
                int c = k % codec_count, operation = k / codec_count;
                run(&messages[i], c, operation, 3);
                double start = now_ns();
                run(&messages[i], c, operation, BATCH);
                messages[i].ns[c][operation][round] = (now_ns() - start) / BATCH;
            }
        }
    }
    for (int i = 0; i < message_count; i++) {
        for (int k = 0; k < 2 * codec_count; k++) {
            double *ns = messages[i].ns[k % codec_count][k / codec_count];
            qsort(ns, (size_t)rounds, sizeof *ns, ascending);
            printf("%s %s %s %.1f %.1f\n", codecs[k % codec_count]->name, operations[k / codec_count],
                   messages[i].label, ns[rounds / 2], ns[0]);
        }
    }
}

static void count_all(void) {
#ifndef CALLGRIND_DUMP_STATS_AT
    fail("compiled without", "valgrind/callgrind.h");
#else
    for (int i = 0; i < message_count; i++) {
        for (int k = 0; k < 2 * codec_count; k++) {
            char label[192];
            int c = k % codec_count, operation = k / codec_count;
            snprintf(label, sizeof label, "%s %s %.96s %d", codecs[c]->name, operations[operation],
                     messages[i].label, COUNTED);
            run(&messages[i], c, operation, 1);
            CALLGRIND_ZERO_STATS;
            run(&messages[i], c, operation, COUNTED);
            CALLGRIND_DUMP_STATS_AT(label);
        }
    }
#endif
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    int timed = strcmp(mode, "time") == 0;
    const char *library = argc > 3 + timed ? argv[3 + timed] : NULL;
    if (strcmp(mode, "sizes") == 0) {
        v2gexi_sizes();
#ifdef WITH_CBV2G
        cbv2g_sizes();
#endif
        return 0;
    }
    if (argc < 3 + timed) {
        fail("usage:", "verify|time|count MESSAGES [ROUNDS] [LIBRARY]");
    }
    if (library) {
#ifdef WITH_CBV2G
        if (cbv2g_open(library)) {
            return 1;
        }
        codecs[codec_count++] = &codec_cbv2g;
#else
        fail("compiled without the headers of", library);
#endif
    }
    read_messages(argv[2]);
    check_all(strcmp(mode, "verify") != 0);
    if (timed) {
        int rounds = atoi(argv[3]);
        if (rounds < 1 || rounds > ROUNDS) {
            fail("rounds:", argv[3]);
        }
        time_all(rounds);
    }
    if (strcmp(mode, "count") == 0) {
        count_all();
    }
    return 0;
}
