#version 330
// Paint over the frame, upscaled without regard to edges.
#include "paint.glsl"
in vec2 uv;
out vec4 color;

void main() {
    // Half a texel from the border between the pictures, so that neither bleeds into the other.
    vec2 place = in_paint(uv);
    place.y = clamp(place.y, 0.5, paint_size.y - 0.5);
    vec2 at = (place + vec2(0.0, first_row)) / vec2(textureSize(paint, 0));
    color = mixed(textureLod(frame, uv, 0.0).rgb, textureLod(paint, at, 0.0).rgb, uv);
}
