// Far air takes colour away and adds its own. artem_vr/sources/courtyard/light.py has the same colours.
const vec2 SUN_AZIMUTH = vec2(-0.64697745, -0.76250914);

vec3 haze_color(vec3 way) {
    float toward = max(dot(normalize(way.xz), SUN_AZIMUTH), 0.0);
    return mix(vec3(0.66, 0.76, 0.90), vec3(1.0, 0.86, 0.64), toward * toward);
}

float haze_share(float distance_m) {
    return 0.66 * (1.0 - exp(-distance_m * 0.0075));
}
