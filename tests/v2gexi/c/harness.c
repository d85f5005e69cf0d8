/* Runs the engine over payloads.
 *
 *   harness transcode FILE       one line a payload: status of decoding, bit, what encoding gives in hex (or its status)
 *   harness damage FILE          every truncation by bytes and every flipped bit of each payload: there and back
 *   harness noise COUNT SEED     payloads of random bytes behind a header: there and back
 *   harness sizes                bytes of a decoder, of an encoder, of the window
 *
 * FILE: number of the message set, options, length in four bytes (the first is the highest), payload; and so on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"
#include "transcode.h"

typedef struct {
    const struct v2gexi_set *set;
    int options;
    size_t length;
    uint8_t *payload;
} record;

static int next_record(FILE *file, record *each)
{
    unsigned char head[6];
    if (fread(head, 1, sizeof head, file) != sizeof head)
        return 0;
    each->set = &v2gexi_sets[head[0] % v2gexi_set_count];
    each->options = head[1];
    each->length = (size_t)head[2] << 24 | (size_t)head[3] << 16 | (size_t)head[4] << 8 | head[5];
    each->payload = malloc(each->length ? each->length : 1);
    if (!each->payload || fread(each->payload, 1, each->length, file) != each->length)
        exit(3);
    return 1;
}

static void print_transcoded(const record *each)
{
    size_t capacity = each->length * 8 + 256;
    uint8_t *out = malloc(capacity);
    if (!out)
        exit(3);
    transcoded done = transcode(each->set, each->options, each->options | V2GEXI_LENIENT, each->payload, each->length, out,
                                capacity);
    printf("%d %lu ", done.status, (unsigned long)done.position);
    if (done.written < 0)
        printf("%d", done.written);
    for (int at = 0; at < done.written; at++)
        printf("%02x", (unsigned)out[at]);
    printf("\n");
    free(out);
}

static unsigned long good, bad;

static void try(const struct v2gexi_set *set, int options, const uint8_t *payload, size_t length)
{
    if (there_and_back(set, options, payload, length))
        bad++;
    else
        good++;
}

static void damage(const record *each)
{
    for (int check = 0; check <= V2GEXI_CHECK; check += V2GEXI_CHECK) {
        for (size_t length = 0; length < each->length; length++)
            try(each->set, each->options | check, each->payload, length);
        for (size_t bit = 0; bit < each->length * 8; bit++) {
            each->payload[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
            try(each->set, each->options | check, each->payload, each->length);
            each->payload[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        }
    }
}

static uint32_t state;

static unsigned random_byte(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state >> 11 & 0xFF;
}

static void noise(unsigned long count)
{
    uint8_t payload[120];
    while (count--) {
        size_t length = 1 + random_byte() % (sizeof payload - 1);
        payload[0] = 0x80;
        /* Many bits of one kind are likelier to mean something. */
        unsigned mask = random_byte() | (random_byte() & 1 ? 0xFF : 0);
        for (size_t at = 1; at < length; at++)
            payload[at] = (uint8_t)(random_byte() & mask);
        try(&v2gexi_sets[random_byte() % v2gexi_set_count], random_byte() & 7, payload, length);
    }
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "sizes") == 0) {
        printf("%u %u %u\n", (unsigned)sizeof(v2gexi_decoder), (unsigned)sizeof(v2gexi_encoder),
               (unsigned)sizeof(v2gexi_window) * 8);
        return 0;
    }
    if (count == 4 && strcmp(arguments[1], "noise") == 0) {
        state = (uint32_t)strtoul(arguments[3], NULL, 10) | 1;
        noise(strtoul(arguments[2], NULL, 10));
    } else if (count == 3) {
        FILE *file = fopen(arguments[2], "rb");
        record each;
        if (!file)
            return 2;
        while (next_record(file, &each)) {
            if (strcmp(arguments[1], "damage") == 0)
                damage(&each);
            else
                print_transcoded(&each);
            free(each.payload);
        }
        fclose(file);
        if (strcmp(arguments[1], "damage") != 0)
            return 0;
    } else {
        return 2;
    }
    printf("%lu decoded, %lu refused\n", good, bad);
    return 0;
}
