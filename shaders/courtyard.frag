#version 330
in vec3 gain;
#ifndef BARE
in vec2 uv;
flat in float layer;
uniform sampler2DArray layers;
#endif
#ifdef HAZY
in vec3 haze;
#endif
#ifdef SHADOWED
in vec3 sun_place;
in vec3 sun_gain;
uniform sampler2DShadow shadow_map;
#endif
out vec4 color;

void main() {
    vec3 light = gain;
#ifdef SHADOWED
#if PCF_TAPS > 1
    const float REACH = 1.3 / 2048.0;
    float lit = texture(shadow_map, sun_place + vec3(-REACH, -REACH * 0.4, 0.0));
    lit += texture(shadow_map, sun_place + vec3(REACH * 0.4, -REACH, 0.0));
    lit += texture(shadow_map, sun_place + vec3(REACH, REACH * 0.4, 0.0));
    lit += texture(shadow_map, sun_place + vec3(-REACH * 0.4, REACH, 0.0));
    light += sun_gain * (lit * 0.25);
#else
    light += sun_gain * texture(shadow_map, sun_place);
#endif
#endif
#ifndef BARE
    light *= texture(layers, vec3(uv, layer)).rgb;
#endif
#ifdef HAZY
    light += haze;
#endif
    color = vec4(light, 1.0);
}
