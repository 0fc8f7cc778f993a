#version 330
// The sea out to 195 m; beyond it the panorama goes on in the same colour.
#include "courtyard_haze.glsl"
in vec3 in_position;
in vec3 in_uv;
in vec4 in_shade;
uniform mat4 to_clip;
uniform vec3 eye;
uniform float time;
out vec3 uv;
out vec3 body;
out vec3 crest;

void main() {
    vec3 way = in_position - eye;
    float near = exp(-dot(way, way) / (110.0 * 110.0));
    uv = vec3(in_uv.xy * vec2(1.0, 1.6) + vec2(0.011, 0.023) * time, in_uv.z);
    body = in_shade.rgb * 1.5;
    float toward = max(dot(normalize(way.xz), SUN_AZIMUTH), 0.0);
    float glitter = pow(toward, 40.0);
    crest = near * (vec3(0.20, 0.24, 0.22) + glitter * vec3(0.75, 0.58, 0.30)) + vec3(0.10, 0.08, 0.05) * glitter;
    gl_Position = to_clip * vec4(in_position, 1.0);
}
