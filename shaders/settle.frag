#version 330
// Newly painted pictures calm down: each texel is mixed with what its surface looked like in the picture before, and
// with what the other eye's picture makes of it. The distance under a texel and the poses say where that is; what is not
// of the same surface there, or was painted from another luma, does not count: something has moved, or the light has.
// Without DEPTH there is no other eye. Without POSED depth tells about the other eye only, and as without it the past is
// what was painted at the place itself, from a luma that is very much alike.
uniform sampler2D paint;     // the new pictures; the alpha is the luma they were painted from
uniform sampler2D settled;   // what came of those before
uniform vec2 size;           // of one picture, in texels
uniform float own_row;       // where this picture begins, in both
uniform mat4x3 to_old;       // (u w, v w, w, 1) of this picture to texels of the one before times the distance there, and that
uniform float keep;          // how much of what was is kept
#ifdef POSED
uniform sampler2D settled_depth;  // distances in blocks, of the pictures before
#endif
#ifdef DEPTH
uniform sampler2D paint_depth;    // and of the new ones
uniform mat4x3 to_other;     // likewise to the new picture of the other eye
uniform float other_row;
uniform float vote;          // how much of that is mixed in
#endif
#include "places.glsl"
in vec2 uv;
layout(location = 0) out vec4 kept;   // to go on with: exact
layout(location = 1) out vec4 shown;  // to be drawn: the same

// Weights of a Catmull-Rom spline (Keys 1981, a = -1/2) for the texels -1, 0, 1 and 2 around a place between 0 and 1.
vec4 spline(float t) {
    return vec4(t * (-0.5 + t * (1.0 - 0.5 * t)), 1.0 + t * t * (1.5 * t - 2.5), t * (0.5 + t * (2.0 - 1.5 * t)),
                t * t * (0.5 * t - 0.5));
}

#ifdef DEPTH
// How much a luma is like that of a place, whose four texels count by these weights. Where they differ nobody can say to
// the last what it is between them.
float luma_likeness(float luma, vec4 around, vec4 weight) {
    float lowest = min(min(around.x, around.y), min(around.z, around.w));
    float highest = max(max(around.x, around.y), max(around.z, around.w));
    float there = dot(around, weight) / max(dot(weight, vec4(1.0)), 1e-6);
    return likeness((there - luma) / (LIKE_LUMA + LIKE_RANGE * (highest - lowest)));
}
#endif

#ifdef DEPTH
// The new paint of the other eye, and in the last channel how sure it is that it is of the same surface.
vec4 said_by_other(vec4 from, float luma) {
    vec3 there = placed(to_other, from);
    vec2 position = there.xy / there.z;
    vec2 base = clamp(floor(position), vec2(0.0), size - 2.0);
    ivec2 texel = ivec2(base + vec2(0.0, other_row));
    vec4 weight = tents(clamp(position - base, 0.0, 1.0)) * sameness(paint_depth, texel, there.z);
    vec4 a = texelFetch(paint, texel, 0);
    vec4 b = texelFetch(paint, texel + ivec2(1, 0), 0);
    vec4 c = texelFetch(paint, texel + ivec2(0, 1), 0);
    vec4 d = texelFetch(paint, texel + ivec2(1, 1), 0);
    float share = dot(weight, vec4(1.0));
    vec3 said = (a.rgb * weight.x + b.rgb * weight.y + c.rgb * weight.z + d.rgb * weight.w) / max(share, 1e-6);
    float like = luma_likeness(luma, vec4(a.a, b.a, c.a, d.a), weight);
    return vec4(said, inside(there, position, size) * share * like);
}
#endif

// What the surface looked like, and in the last channel how sure that is. All 4x4 texels around count by a spline, as it
// must not blur a little with each picture; near edges in depth only those of the same surface do, by their nearness.
vec4 remembered(vec4 from, float luma) {
    vec3 there = placed(to_old, from);
    vec2 position = there.xy / there.z;
    vec2 base = clamp(floor(position), vec2(0.0), size - 2.0);
    vec2 t = clamp(position - base, 0.0, 1.0);
    vec4 across = spline(t.x);
    vec4 up = spline(t.y);
    vec4 weight = tents(t);
    float least = 1.0;
#ifdef POSED
    weight *= sameness(settled_depth, ivec2(base + vec2(0.0, own_row)), there.z);
    for (int corner = 0; corner < 4; ++corner) {
        vec2 block = clamp(base + vec2(corner & 1, corner >> 1) * 2.0 - 1.0, vec2(0.0), size - 2.0);
        vec4 same = sameness(settled_depth, ivec2(block + vec2(0.0, own_row)), there.z);
        least = min(least, min(min(same.x, same.y), min(same.z, same.w)));
    }
#endif
    vec4 lumas;
    vec3 by_spline = vec3(0.0);
    vec3 by_nearness = vec3(0.0);
    vec3 lowest = vec3(1e6);
    vec3 highest = vec3(-1e6);
    for (int y = -1; y <= 2; ++y) {
        for (int x = -1; x <= 2; ++x) {
            vec2 at = clamp(base + vec2(x, y), vec2(0.0), size - 1.0);
            vec4 texel = texelFetch(settled, ivec2(at + vec2(0.0, own_row)), 0);
            by_spline += texel.rgb * (across[x + 1] * up[y + 1]);
            if (x >= 0 && x <= 1 && y >= 0 && y <= 1) {
                by_nearness += texel.rgb * weight[x + 2 * y];
                lumas[x + 2 * y] = texel.a;
                lowest = min(lowest, texel.rgb);
                highest = max(highest, texel.rgb);
            }
        }
    }
    float share = dot(weight, vec4(1.0));
    // Between the nearest texels, for a spline swings over at edges.
    vec3 was = least > ALL_SAME ? clamp(by_spline, lowest, highest) : by_nearness / max(share, 1e-6);
#ifdef POSED
    float like = luma_likeness(luma, lumas, weight);
#else
    float like = likeness((dot(lumas, weight) - luma) / VERY_LIKE_LUMA);
#endif
    return vec4(was, inside(there, position, size) * share * like);
}

void main() {
    ivec2 texel = ivec2(floor(uv * size) + vec2(0.0, own_row));
    vec4 painted = texelFetch(paint, texel, 0);
#ifdef DEPTH
    float metres = texelFetch(paint_depth, texel, 0).r;
    vec4 from = vec4(uv * metres, metres, 1.0);  // where it is not known behind both eyes: nobody sees that
    vec4 said = said_by_other(from, painted.a);
    vec3 agreed = mix(painted.rgb, said.rgb, vote * said.a);
#else
    vec3 agreed = painted.rgb;
#endif
#ifndef POSED
    vec4 from_here = vec4(uv, 1.0, 0.0);
#else
    vec4 from_here = from;
#endif
    vec4 was = remembered(from_here, painted.a);
    kept = vec4(mix(agreed, was.rgb, keep * was.a), painted.a);
    shown = kept;
}
