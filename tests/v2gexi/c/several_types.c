/* eMAID of ISO 15118-2 as a fragment, by the interface for C: written, read, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "v2gexi.h"

static void demand(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static v2gexi_encoder e;
static v2gexi_decoder d;
static uint8_t buffer[200];

static void start(int options)
{
    demand(!v2gexi_encode_start(&e, v2gexi_find_set("iso2"), V2GEXI_FRAGMENT | options, buffer, sizeof buffer, NULL, 0),
           "start");
}

static int32_t print(void)
{
    int32_t length = v2gexi_encode_finish(&e);
    demand(length > 0, v2gexi_status_text((int)length));
    for (int32_t at = 0; at < length; at++)
        printf("%02x", buffer[at]);
    printf("\n");
    return length;
}

static void next(v2gexi_event_kind kind, uint16_t name)
{
    v2gexi_event event;
    demand(!v2gexi_next(&d, &event), "next");
    demand(event.kind == kind && (kind == V2GEXI_DONE || event.name == name), "another event");
    char text[20];
    if (kind == V2GEXI_ATTRIBUTE || kind == V2GEXI_TEXT)
        printf("%.*s\n", (int)v2gexi_text(&d, &event, text, sizeof text), text);
}

int main(void)
{
    start(0);
    v2gexi_begin(&e, V2GEXI_ISO2_eMAID);
    v2gexi_put_text(&e, V2GEXI_ISO2_MsgDataTypes_Id, "id1", 3);
    v2gexi_put_text(&e, V2GEXI_CONTENT, "DE1ABCD2EF357A", 14);
    v2gexi_end(&e);
    int32_t length = print();

    v2gexi_decode_start(&d, v2gexi_find_set("iso2"), V2GEXI_FRAGMENT, buffer, (size_t)length, NULL, 0);
    next(V2GEXI_START, V2GEXI_ISO2_eMAID);
    next(V2GEXI_ATTRIBUTE, V2GEXI_ISO2_MsgDataTypes_Id);
    next(V2GEXI_TEXT, V2GEXI_ISO2_eMAID);
    next(V2GEXI_END, V2GEXI_ISO2_eMAID);
    next(V2GEXI_DONE, 0);

    /* Children, one of them of several types again, one of one type, one that nobody declares. */
    start(0);
    v2gexi_begin(&e, V2GEXI_ISO2_eMAID);
    v2gexi_put_any_attribute(&e, "", "own", "x", 1);
    v2gexi_begin(&e, V2GEXI_ISO2_eMAID);
    v2gexi_end(&e);
    v2gexi_put_bytes(&e, V2GEXI_ISO2_MsgHeader_SessionID, (const uint8_t *)"\xab", 1);
    v2gexi_begin_any(&e, "", "q");
    v2gexi_end(&e);
    v2gexi_put_any_text(&e, "end", 3);
    v2gexi_end(&e);
    print();

    start(0);
    v2gexi_begin(&e, V2GEXI_ISO2_eMAID);
    v2gexi_put_text(&e, V2GEXI_CONTENT, "x", 1);
    demand(v2gexi_put_text(&e, V2GEXI_ISO2_MsgDataTypes_Id, "id1", 3) == V2GEXI_E_ORDER, "an attribute behind the content");
    start(0);
    demand(v2gexi_put_text(&e, V2GEXI_ISO2_eMAID, "x", 1) == V2GEXI_E_KIND, "it is not a text alone");
    start(0);
    v2gexi_begin(&e, V2GEXI_ISO2_eMAID);
    demand(v2gexi_put_text(&e, V2GEXI_ISO2_EVCCID, "x", 1) == V2GEXI_E_KIND, "a text where bytes are");
    return 0;
}
