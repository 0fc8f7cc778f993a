#version 330
// Paint over the frame, upscaled without regard to edges.
#include "paint.glsl"
in vec2 uv;
out vec4 color;

void main() {
    // Half a texel from the border between the eyes, so that neither bleeds into the other.
    float margin = 0.5 / paint_size().y;
    vec2 at = vec2(uv.x, (clamp(uv.y, margin, 1.0 - margin) + float(eye)) * 0.5);
    color = mixed(textureLod(frame, uv, 0.0).rgb, textureLod(paint, at, 0.0).rgb);
}
