/* The encoder's inner side, for those that know the particles: encode.c, and the binding for Python. */
#ifndef V2GEXI_ENCODER_H
#define V2GEXI_ENCODER_H

#include "bits.h"

/* Take the production of that code to its particle. */
static inline void v2gexi_encode_production(v2gexi_encoder *e, v2gexi_frame *frame,
                                            const v2gexi_production *productions, unsigned code, unsigned count)
{
    put(e, width_of(count + 1), code);
    advance(frame, &productions[code], &v2gexi_particles[productions[code].particle]);
}

/* The message, or the element of a fragment, begins: its particle. */
int v2gexi_encode_root(v2gexi_encoder *e, uint16_t name, const v2gexi_particle **particle);

/* Take a production to something that is no particle: V2GEXI_P_EE and the like. E_ORDER if there is none; the walk
 * has not failed then. */
int v2gexi_encode_special(v2gexi_encoder *e, v2gexi_frame *frame, uint16_t special);

/* The same for the end of, and for characters in, an element of which no schema says anything. */
int v2gexi_encode_learned_end(v2gexi_encoder *e, v2gexi_frame *frame);
int v2gexi_encode_learned_text(v2gexi_encoder *e, v2gexi_frame *frame);

#endif
