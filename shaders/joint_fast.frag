#version 330
// The joint bilateral upsampling for processors: the 2x2 texels that bilinear filtering would take, with its weights,
// times a rational function of the luma difference in place of a Gaussian, for all four at once.
#include "paint.glsl"
in vec2 uv;
out vec4 color;

const float RANGE = 1.0 / (RANGE_SIGMA * RANGE_SIGMA);

void main() {
    vec3 plain = textureLod(frame, uv, 0.0).rgb;
    float luma = dot(plain, LUMA);
    vec2 position = in_paint(uv) - 0.5;
    // Clamped once here, so that the four fetches need no care at the eye's border.
    vec2 base = clamp(floor(position), vec2(0.0), paint_size - 2.0);
    vec2 t = clamp(position - base, 0.0, 1.0);
    ivec2 texel = ivec2(base + vec2(0.0, first_row));

    vec4 a = texelFetch(paint, texel, 0);
    vec4 b = texelFetch(paint, texel + ivec2(1, 0), 0);
    vec4 c = texelFetch(paint, texel + ivec2(0, 1), 0);
    vec4 d = texelFetch(paint, texel + ivec2(1, 1), 0);
    vec4 difference = vec4(a.a, b.a, c.a, d.a) - luma;
    vec4 falloff = 1.0 + difference * difference * RANGE;
    vec4 weight = vec4(vec2(1.0 - t.x, t.x) * (1.0 - t.y), vec2(1.0 - t.x, t.x) * t.y) / (falloff * falloff);
    vec3 painted = a.rgb * weight.x + b.rgb * weight.y + c.rgb * weight.z + d.rgb * weight.w;
    color = mixed(plain, painted / dot(weight, vec4(1.0)), uv);
}
