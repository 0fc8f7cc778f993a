#version 330
// Everything but the sky and the sea. Light was worked out for each vertex beforehand: its colour in the shade and its
// colour in the sun, as square roots of light over 1.5. SHADOWED asks the shadow map which of the two holds;
// otherwise in_sun.a says so. BARE does without a picture. MOVING adds wind, running water and a model matrix. HAZY adds the air in between.
#include "courtyard_haze.glsl"

in vec3 in_position;
#ifndef BARE
in vec3 in_uv;
out vec2 uv;
flat out float layer;
#endif
in vec4 in_shade;
in vec4 in_sun;
#ifdef MOVING
in vec2 in_motion;
uniform mat4 model;
uniform float time;
#endif

uniform mat4 to_clip;
#ifdef SHADOWED
uniform mat4 to_sun;
out vec3 sun_place;
out vec3 sun_gain;
#endif
#ifdef HAZY
uniform vec3 eye;
out vec3 haze;
#endif

out vec3 gain;

void main() {
    vec3 place = in_position;
#ifndef BARE
    uv = in_uv.xy;
    layer = in_uv.z;
#endif
#ifdef MOVING
    place = (model * vec4(place, 1.0)).xyz;
    float phase = dot(place, vec3(2.1, 1.7, 2.9));
    vec3 gust = vec3(sin(time * 2.3 + phase), 0.5 * sin(time * 3.7 + phase * 1.7), sin(time * 1.9 + phase * 1.3));
    place += gust * in_motion.x;
    uv.y += in_motion.y * time;
#endif
#ifdef SHADOWED
    gain = in_shade.rgb * 1.5;
    sun_gain = (in_sun.rgb - in_shade.rgb) * 1.5;
    sun_place = (to_sun * vec4(place, 1.0)).xyz;
#else
    gain = mix(in_shade.rgb, in_sun.rgb, in_sun.a) * 1.5;
#endif
#ifdef HAZY
    vec3 way = place - eye;
    float air = haze_share(length(way));
    gain *= 1.0 - air;
    haze = haze_color(way) * air;
#endif
    gl_Position = to_clip * vec4(place, 1.0);
}
