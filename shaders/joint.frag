#version 330
// Joint bilateral upsampling (Kopf et al. 2007) over 4x4 texels of the paint: each counts by its distance from the
// pixel and by how much the luma it was painted from differs from the pixel's. SPATIAL_SIGMA is in texels.
#include "paint.glsl"
in vec2 uv;
out vec4 color;

const float SPATIAL = -0.5 / (SPATIAL_SIGMA * SPATIAL_SIGMA);
const float RANGE = -0.5 / (RANGE_SIGMA * RANGE_SIGMA);

void main() {
    vec3 plain = textureLod(frame, uv, 0.0).rgb;
    float luma = dot(plain, LUMA);
    vec2 position = in_paint(uv) - 0.5;
    vec2 base = floor(position);

    vec4 sum = vec4(0.0);
    for (int y = -1; y <= 2; ++y) {
        for (int x = -1; x <= 2; ++x) {
            vec2 tap = base + vec2(x, y);
            vec2 away = position - tap;
            ivec2 texel = ivec2(clamp(tap, vec2(0.0), paint_size - 1.0) + vec2(0.0, first_row));
            vec4 painted = texelFetch(paint, texel, 0);
            float difference = painted.a - luma;
            float weight = exp(SPATIAL * dot(away, away)) * (exp(RANGE * difference * difference) + RANGE_FLOOR);
            sum += vec4(painted.rgb, 1.0) * weight;
        }
    }
    color = mixed(plain, sum.rgb / sum.a, uv);
}
