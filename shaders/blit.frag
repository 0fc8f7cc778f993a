#version 330
// The picture as it is, opaque, and behind the veil if there is one.
#include "veil.glsl"
uniform sampler2D frame;
in vec2 uv;
out vec4 color;

void main() {
    color = vec4(veiled(textureLod(frame, uv, 0.0).rgb), 1.0);
}
