#include "veil.glsl"
#ifdef FINER
#include "window.glsl"
#endif
// Network-sized paint in one texture, one picture over the other, its alpha the luma it was painted from.
uniform sampler2D frame;   // this eye's picture at full resolution
uniform sampler2D paint;
uniform vec2 paint_size;   // the width and height of one picture of it, in texels
uniform float first_row;   // where the one for this eye begins
uniform float strength;    // 0 shows the frame, 1 the paint

const vec3 LUMA = vec3(0.299, 0.587, 0.114);

// Where a place of the eye's picture is in the painted one, in texels.
vec2 in_paint(vec2 at) {
#ifdef FINER
    at = (at - window.xy) / window.zw;
#endif
    return at * paint_size;
}

// What is shown: the frame's colour, as far as `strength` goes changed to the paint's, behind the veil. A finer picture
// comes in from its edge on, to be laid over what is there.
vec4 mixed(vec3 plain, vec3 painted, vec2 at) {
    vec4 whole = vec4(veiled(mix(plain, painted, strength)), 1.0);
#ifdef FINER
    whole *= ramp((at - window.xy) / window.zw);
#endif
    return whole;
}
