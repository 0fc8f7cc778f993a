// A veil over the whole picture, where VEILED is defined: elsewhere not even its arithmetic is there.
#ifdef VEILED
uniform vec2 veil;  // black (0) or white (1), and how much of it there is: 0 none, 1 nothing else

vec3 veiled(vec3 picture) {
    return mix(picture, vec3(veil.x), veil.y);
}
#else
vec3 veiled(vec3 picture) {
    return picture;
}
#endif
