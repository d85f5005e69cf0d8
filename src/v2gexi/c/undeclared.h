/* What the schema does not foresee at a place: EXI's second and third event codes, wildcards, unknown elements. */
#ifndef V2GEXI_UNDECLARED_H
#define V2GEXI_UNDECLARED_H

#include "engine.h"

int v2gexi_next_undeclared(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame);
int v2gexi_next_learned(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame);
int v2gexi_start_any(v2gexi_decoder *d, v2gexi_event *event);
int v2gexi_any_attribute(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame);

/* decode.c */
int v2gexi_start_element(v2gexi_decoder *d, v2gexi_event *event, uint16_t name, uint16_t particle);
int v2gexi_end_element(v2gexi_decoder *d, v2gexi_event *event, v2gexi_frame *frame);

#endif
