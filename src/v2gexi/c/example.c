/* Reads a CurrentDemandReq of ISO 15118-2 and answers it.
 *
 *   cc example.c $(pkg-config --cflags --libs v2gexi) -o example
 *   ./example 80980217193a66b4de3f83d0d1001901860f0410c409003000
 *
 * with a payload in hex, without the V2GTP header. */
#include <stdio.h>

#include <names.h>
#include <v2gexi.h>

/* What the car wants: current * 10 ^ multiplier amperes. */
typedef struct {
    uint8_t session[8];
    uint32_t session_length;
    int is_demand, multiplier, current;
} demand;

static int read_demand(const uint8_t *payload, size_t length, demand *wanted)
{
    static v2gexi_decoder decoder; /* 5 kB */
    v2gexi_event event;
    int inside = 0;
    int status = v2gexi_decode_start(&decoder, v2gexi_find_set("iso2"), V2GEXI_CHECK, payload, length, NULL, 0);
    while (!status && !(status = v2gexi_next(&decoder, &event)) && event.kind != V2GEXI_DONE) {
        if (event.kind == V2GEXI_START) { /* it has children; V2GEXI_END follows */
            inside = event.name == V2GEXI_ISO2_EVTargetCurrent;
            wanted->is_demand |= event.name == V2GEXI_ISO2_CurrentDemandReq;
        } else if (event.kind == V2GEXI_VALUE) { /* nothing but a value */
            if (event.name == V2GEXI_ISO2_MsgHeader_SessionID && event.length <= sizeof wanted->session) {
                v2gexi_bytes(&decoder, &event, wanted->session);
                wanted->session_length = event.length;
            } else if (inside && event.name == V2GEXI_ISO2_Multiplier) {
                wanted->multiplier = (int)event.value.i;
            } else if (inside && event.name == V2GEXI_ISO2_Value) {
                wanted->current = (int)event.value.i;
            }
        }
    }
    if (status)
        fprintf(stderr, "bit %lu: %s\n", (unsigned long)v2gexi_position(&decoder), v2gexi_status_text(status));
    return status;
}

/* Enumerations are put by the number of their value in the schema. */
enum { OK = 0, NONE = 0, VALID = 1, READY = 1, AMPERE = 3, VOLT = 4 };

static void put_physical(v2gexi_encoder *encoder, uint16_t name, int multiplier, unsigned unit, int value)
{
    v2gexi_begin(encoder, name);
    v2gexi_put_int(encoder, V2GEXI_ISO2_Multiplier, multiplier);
    v2gexi_put_uint(encoder, V2GEXI_ISO2_Unit, unit);
    v2gexi_put_int(encoder, V2GEXI_ISO2_Value, value);
    v2gexi_end(encoder);
}

/* The answer that the car gets what it wants. Errors stay: it is enough to look at the last result. */
static int32_t write_answer(const demand *wanted, uint8_t *payload, size_t capacity)
{
    static v2gexi_encoder encoder;
    v2gexi_encode_start(&encoder, v2gexi_find_set("iso2"), 0, payload, capacity, NULL, 0);
    v2gexi_begin(&encoder, V2GEXI_ISO2_V2G_Message);
    v2gexi_begin(&encoder, V2GEXI_ISO2_Header);
    v2gexi_put_bytes(&encoder, V2GEXI_ISO2_MsgHeader_SessionID, wanted->session, wanted->session_length);
    v2gexi_end(&encoder);
    v2gexi_begin(&encoder, V2GEXI_ISO2_Body);
    v2gexi_begin(&encoder, V2GEXI_ISO2_CurrentDemandRes);
    v2gexi_put_uint(&encoder, V2GEXI_ISO2_ResponseCode, OK);
    v2gexi_begin(&encoder, V2GEXI_ISO2_MsgBody_DC_EVSEStatus);
    v2gexi_put_uint(&encoder, V2GEXI_ISO2_NotificationMaxDelay, 0);
    v2gexi_put_uint(&encoder, V2GEXI_ISO2_EVSENotification, NONE);
    v2gexi_put_uint(&encoder, V2GEXI_ISO2_EVSEIsolationStatus, VALID);
    v2gexi_put_uint(&encoder, V2GEXI_ISO2_EVSEStatusCode, READY);
    v2gexi_end(&encoder);
    put_physical(&encoder, V2GEXI_ISO2_EVSEPresentVoltage, 0, VOLT, 400);
    put_physical(&encoder, V2GEXI_ISO2_EVSEPresentCurrent, wanted->multiplier, AMPERE, wanted->current);
    v2gexi_put_uint(&encoder, V2GEXI_ISO2_EVSECurrentLimitAchieved, 0);
    v2gexi_put_uint(&encoder, V2GEXI_ISO2_EVSEVoltageLimitAchieved, 0);
    v2gexi_put_uint(&encoder, V2GEXI_ISO2_EVSEPowerLimitAchieved, 0);
    v2gexi_put_text(&encoder, V2GEXI_ISO2_EVSEID, "DE*ABC*E1", 9);
    v2gexi_put_uint(&encoder, V2GEXI_ISO2_MsgBody_SAScheduleTupleID, 1);
    v2gexi_end(&encoder);
    v2gexi_end(&encoder);
    v2gexi_end(&encoder);
    return v2gexi_encode_finish(&encoder);
}

int main(int count, char **arguments)
{
    uint8_t payload[512];
    size_t length = 0;
    unsigned byte;
    demand wanted = {{0}, 0, 0, 0, 0};
    for (const char *hex = count == 2 ? arguments[1] : ""; length < sizeof payload && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        payload[length++] = (uint8_t)byte;
    if (read_demand(payload, length, &wanted))
        return 1;
    if (!wanted.is_demand)
        return 2;
    printf("the car wants %d * 10^%d A\n", wanted.current, wanted.multiplier);
    int32_t size = write_answer(&wanted, payload, sizeof payload);
    if (size < 0) {
        fprintf(stderr, "%s\n", v2gexi_status_text((int)size));
        return 1;
    }
    for (int32_t at = 0; at < size; at++)
        printf("%02x", (unsigned)payload[at]);
    printf("\n");
    return 0;
}
