#include "veil.glsl"
// The network-sized paint of both eyes in one texture (left eye below), its alpha the luma it was painted from.
uniform sampler2D frame;   // this eye's picture at full resolution
uniform sampler2D paint;
uniform int eye;           // 0 left, 1 right
uniform float strength;    // 0 shows the frame, 1 the paint

const vec3 LUMA = vec3(0.299, 0.587, 0.114);

// The paint's width and height for one eye, in texels.
vec2 paint_size() {
    return vec2(textureSize(paint, 0)) * vec2(1.0, 0.5);
}

// What is shown: the frame's colour, as far as `strength` goes changed to the paint's, behind the veil.
vec4 mixed(vec3 picture, vec3 painted) {
    return vec4(veiled(mix(picture, painted, strength)), 1.0);
}
