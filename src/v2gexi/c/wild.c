/* What a message brings itself: names that its schema does not have, and the grammars of elements unknown to it.
 *
 * The grammar of an unknown element starts empty and learns from every event (EXI 8.4.3): what was seen once gets
 * the code 0, and the codes of what was learned before grow by one. Everything is bounded by V2GEXI_LEARNED. */
#include "engine.h"
#include "names.h"

uint16_t v2gexi_name_index(const v2gexi_set *set, unsigned uri, uint32_t local, uint32_t *count)
{
    if (uri >= set->uri_count) {
        *count = 0;
        return NONE;
    }
    const v2gexi_partition *partition = &set->uris[uri];
    *count = partition->count;
    return local < partition->count ? v2gexi_partition_names[partition->first + local] : NONE;
}

uint32_t v2gexi_new_names_of(const v2gexi_learned *learned, unsigned uri)
{
    uint32_t count = 0;
    for (unsigned number = 0; number < learned->name_count; number++)
        count += learned->names[number].uri == uri;
    return count;
}

uint16_t v2gexi_find_root(const v2gexi_set *set, uint16_t name)
{
    for (uint16_t number = 0; number < set->root_count; number++)
        if (v2gexi_particles[set->roots[number]].name == name)
            return set->roots[number];
    return NONE;
}

uint16_t v2gexi_type_named(uint16_t name)
{
    for (uint16_t type = 0; type < v2gexi_type_count; type++)
        if (v2gexi_types[type].name == name && !(v2gexi_types[type].flags & V2GEXI_T_ANONYMOUS))
            return type;
    return NONE;
}

unsigned v2gexi_learned_count(const v2gexi_learned *learned, uint16_t owner, uint8_t place)
{
    unsigned count = 0;
    for (unsigned number = 0; number < learned->production_count; number++)
        count += learned->productions[number].owner == owner && learned->productions[number].place == place;
    return count;
}

const v2gexi_learned_production *v2gexi_learned_at(const v2gexi_learned *learned, uint16_t owner, uint8_t place,
                                                   unsigned code)
{
    /* The latest has code 0. */
    for (unsigned number = learned->production_count; number-- > 0;) {
        const v2gexi_learned_production *production = &learned->productions[number];
        if (production->owner == owner && production->place == place && code-- == 0)
            return production;
    }
    return NULL;
}

int v2gexi_learn(v2gexi_learned *learned, uint16_t owner, uint8_t place, uint8_t event, uint16_t name)
{
    /* The end, characters and xsi:type are learned once; the others as often as they are not referred to. */
    if (event == LEARNED_EE || event == LEARNED_CH || (event == LEARNED_ATTRIBUTE && name == V2GEXI_XSI_type))
        for (unsigned number = 0; number < learned->production_count; number++) {
            const v2gexi_learned_production *known = &learned->productions[number];
            if (known->owner == owner && known->place == place && known->event == event && known->name == name)
                return V2GEXI_OK;
        }
    if (learned->production_count >= V2GEXI_LEARNED)
        return V2GEXI_E_MEMORY;
    v2gexi_learned_production *production = &learned->productions[learned->production_count++];
    production->owner = owner;
    production->name = name;
    production->place = place;
    production->event = event;
    return V2GEXI_OK;
}
