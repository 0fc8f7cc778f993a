#version 330
// A picture with transparency of its own, made more transparent. In linear light with LINEAR.
#include "srgb.glsl"
uniform sampler2D panel;
uniform float alpha;
in vec2 uv;
out vec4 color;

void main() {
    vec4 picture = textureLod(panel, uv, 0.0);
#ifdef LINEAR
    picture.rgb = to_linear(picture.rgb);
#endif
    color = vec4(picture.rgb, picture.a * alpha);
}
