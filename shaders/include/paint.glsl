#include "veil.glsl"
// Network-sized paint in one texture, one picture over the other, its alpha the luma it was painted from.
uniform sampler2D frame;   // this eye's picture at full resolution
uniform sampler2D paint;
uniform vec2 paint_size;   // the width and height of one picture of it, in texels
uniform float first_row;   // where the one for this eye begins
uniform float strength;    // 0 shows the frame, 1 the paint

const vec3 LUMA = vec3(0.299, 0.587, 0.114);

// What is shown: the frame's colour, as far as `strength` goes changed to the paint's, behind the veil.
vec4 mixed(vec3 plain, vec3 painted) {
    return vec4(veiled(mix(plain, painted, strength)), 1.0);
}
