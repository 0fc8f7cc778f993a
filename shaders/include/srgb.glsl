// From values encoded as sRGB to linear light (IEC 61966-2-1).
vec3 to_linear(vec3 encoded) {
    vec3 light = pow((encoded + 0.055) / 1.055, vec3(2.4));
    return mix(light, encoded / 12.92, vec3(lessThanEqual(encoded, vec3(0.04045))));
}
