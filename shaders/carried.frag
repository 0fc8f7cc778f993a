#version 330
// Paint of another moment where its surfaces are now, at the paint's own size, for one eye. The distance of the pixel
// under a texel's centre and both poses say where that lies in the paint's picture of this eye (reverse reprojection,
// Nehab et al. 2007). The paint around there is averaged by distance and by luma. What this eye's picture does not show
// is taken from the other eye's, and what neither shows from the nearest paint of like luma and distance. The alpha is
// the frame's own luma, so that upsampling follows the frame's edges and not those of then.
// Software leaves a loop once no pixel needs it, but otherwise does everything for every pixel: hence the loops.
// FINER is for pictures of a part of what the eye sees. What of it they did not show then comes from what the coarser
// pictures were carried to, and so does more and more of what lies near the border that they had then.
uniform sampler2D frame;     // this eye's picture at full resolution
uniform sampler2D paint;     // pictures over each other; the alpha is the luma they were painted from
uniform vec2 size;           // of one of them, in texels
uniform vec2 rows;           // where the picture of this eye begins, and the one of the other
uniform int views;           // 1 where there is no other
uniform mat4x3 to_own;       // (u w, v w, w, 1) of this eye to texels of these pictures times the distance there, and that
uniform mat4x3 to_other;
#ifdef FINER
#include "window.glsl"
uniform sampler2D coarser;   // what the pictures twice as coarse were carried to, laid out as the paint is
uniform float coarser_row;   // where the one of this eye begins
uniform vec4 in_coarser;     // where the window lies in that: lower left corner and size, in parts of it
#endif
#include "places.glsl"
#ifdef DEPTH
uniform sampler2D paint_depth;  // the distances of the paint's pictures, in blocks
uniform sampler2D depth;     // window depth of the frame
uniform vec2 unproject;      // the distance is x / (2 depth - 1 + y)
uniform vec2 scale;          // its pixels for each texel
uniform vec2 corner;         // its pixel under the lower left corner of this picture
#endif
in vec2 uv;
out vec4 color;

const vec3 LUMA = vec3(0.299, 0.587, 0.114);
const mat2 TURN = GROWTH * mat2(-0.7373688, 0.6754903, -0.6754903, -0.7373688);  // by the golden angle

float luma_here() {
    vec3 sum = vec3(0.0);
    vec2 footprint = 1.0 / size;
    for (int y = 0; y < TAPS_Y; ++y) {
        for (int x = 0; x < TAPS_X; ++x) {
            vec2 share = (vec2(x, y) + 0.5) / vec2(TAPS_X, TAPS_Y) - 0.5;
            vec2 at = uv + share * footprint;
#ifdef FINER
            at = window.xy + at * window.zw;
#endif
            sum += textureLod(frame, at, 0.0).rgb;
        }
    }
    return dot(sum, LUMA) / float(TAPS_X * TAPS_Y);
}

// The pixel under this texel's centre as the matrices take it.
vec4 from_here() {
#ifdef DEPTH
    ivec2 pixel = ivec2(corner + (floor(uv * size) + 0.5) * scale + 0.01);  // as in paint_depth.frag
    float metres = unproject.x / (2.0 * texelFetch(depth, pixel, 0).r - 1.0 + unproject.y);
    return vec4(uv * metres, metres, 1.0);
#else
    return vec4(uv, 1.0, 0.0);
#endif
}

// The mean of a block of four texels by these weights and by luma.
vec3 joined(sampler2D texels, ivec2 texel, vec4 weight, float luma) {
    vec4 a = texelFetch(texels, texel, 0);
    vec4 b = texelFetch(texels, texel + ivec2(1, 0), 0);
    vec4 c = texelFetch(texels, texel + ivec2(0, 1), 0);
    vec4 d = texelFetch(texels, texel + ivec2(1, 1), 0);
    weight *= likeness((vec4(a.a, b.a, c.a, d.a) - luma) * (1.0 / RANGE_SIGMA));
    weight += 1e-12;
    return (a.rgb * weight.x + b.rgb * weight.y + c.rgb * weight.z + d.rgb * weight.w) / dot(weight, vec4(1.0));
}

// The paint around a place in the picture that begins at a row. `seen` is the share of it which is of the surface that
// is expected there.
vec3 gathered(vec3 there, float first_row, float luma, out float seen) {
    vec2 position = there.xy / there.z;
    vec2 base = clamp(floor(position), vec2(0.0), size - 2.0);
    ivec2 texel = ivec2(base + vec2(0.0, first_row));
    vec4 weight = tents(clamp(position - base, 0.0, 1.0));
#ifdef DEPTH
    weight *= sameness(paint_depth, texel, there.z);
#endif
    seen = inside(there, position, size) * dot(weight, vec4(1.0));
    return joined(paint, texel, weight, luma);
}

#ifdef FINER
// What the coarser pictures have at this texel.
vec3 from_coarser(float luma) {
    vec2 position = (in_coarser.xy + uv * in_coarser.zw) * size - 0.5;
    vec2 base = clamp(floor(position), vec2(0.0), size - 2.0);
    return joined(coarser, ivec2(base + vec2(0.0, coarser_row)), tents(clamp(position - base, 0.0, 1.0)), luma);
}
#else
// The paint around a place that is like it: at most so many texels along a spiral, until there is enough.
vec3 nearest_like(vec3 there, float luma, int taps) {
    vec2 limit = size - 1.0;
    vec2 place = clamp(there.xy / there.z, vec2(0.0), limit) + 0.5;
    vec2 away = vec2(FIRST_RADIUS, 0.0);
    vec4 sum = vec4(1e-12);
    float found = 0.0;
    for (int tap = 0; tap < taps; ++tap) {
        ivec2 texel = ivec2(floor(clamp(place + away, vec2(0.0), limit)) + vec2(0.0, rows.x));
        vec4 painted = texelFetch(paint, texel, 0);
        float like = likeness((painted.a - luma) * (1.0 / LIKE_LUMA));
#ifdef DEPTH
        float metres = texelFetch(paint_depth, texel, 0).r;
        like *= likeness((metres - there.z) / (LIKE_DISTANCE * there.z)) + LIKE_FLOOR;
#endif
        sum += vec4(painted.rgb, 1.0) * ((like + 1e-6) / dot(away, away));
        found += like;
        if (found > ENOUGH) {
            break;
        }
        away = TURN * away;
    }
    return sum.rgb / sum.a;
}
#endif

void main() {
    float luma = luma_here();
    vec4 from = from_here();
    vec3 there = placed(to_own, from);
    vec3 at = there;
    vec3 painted;
    float seen;
    for (int view = 0; view < views; ++view) {
        at = view == 0 ? there : placed(to_other, from);
        painted = gathered(at, view == 0 ? rows.x : rows.y, luma, seen);
        if (seen >= SEEN) {
            break;
        }
    }
#ifdef FINER
    // Over what is coarser this fades out at today's border: only where it had its border then must it do so by itself.
    float share = seen < SEEN ? 0.0 : min(1.0, ramp((at.xy / at.z + 0.5) / size) / max(ramp(uv), 1e-4));
    color = vec4(mix(from_coarser(luma), painted, share), luma);
#else
    int taps = seen < SEEN ? TAPS : 0;
    vec3 like = nearest_like(there, luma, taps);
    color = vec4(taps > 0 ? like : painted, luma);
#endif
}
