#version 330
// The picture in linear light, for targets that are not encoded as sRGB.
#include "srgb.glsl"
uniform sampler2D frame;
in vec2 uv;
out vec4 color;

void main() {
    color = vec4(to_linear(textureLod(frame, uv, 0.0).rgb), 1.0);
}
