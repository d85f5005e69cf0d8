/* Names as text: those of the schemas, and those that a message brought. */
#include "engine.h"
#include "values.h"

#include <string.h>

static const char *copy(const v2gexi_decoder *d, const v2gexi_new_name *name, char *text, size_t capacity)
{
    v2gexi_event as_text;
    as_text.position = name->position;
    as_text.length = name->length;
    if (capacity == 0)
        return "";
    /* What does not fit is cut off behind a whole character; zeros remain behind it. */
    memset(text, 0, capacity);
    v2gexi_text(d, &as_text, text, capacity - 1);
    return text;
}

const char *v2gexi_local_name(const v2gexi_decoder *d, uint16_t name, char *text, size_t capacity)
{
    if (name < v2gexi_name_count)
        return &v2gexi_strings[v2gexi_names[name].local];
    unsigned number = (unsigned)name - V2GEXI_DYNAMIC;
    if (name < V2GEXI_DYNAMIC || number >= d->walk.learned.name_count)
        return "";
    return copy(d, &d->walk.learned.names[number], text, capacity);
}

const char *v2gexi_namespace(const v2gexi_decoder *d, uint16_t name, char *text, size_t capacity)
{
    if (name < v2gexi_name_count)
        return v2gexi_uris[v2gexi_names[name].uri];
    unsigned number = (unsigned)name - V2GEXI_DYNAMIC;
    const v2gexi_learned *learned = &d->walk.learned;
    if (name < V2GEXI_DYNAMIC || number >= learned->name_count)
        return "";
    unsigned uri = learned->names[number].uri;
    if (uri < d->walk.set->uri_count)
        return v2gexi_uris[d->walk.set->uris[uri].uri];
    uri -= d->walk.set->uri_count;
    return uri < learned->uri_count ? copy(d, &learned->uris[uri], text, capacity) : "";
}
