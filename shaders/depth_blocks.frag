#version 330
// Four distances at once: of a texel, the one to its right, and the two above. How far a surface may lie from where it
// is expected, as a share of its distance, is in the last bits of the first: DEPTH_TOLERANCE, and what the surface itself
// falls away from one texel to the next. Across an edge within the block the texels on both sides of it tell that. What
// is behind the eye is not known, and nothing falls away to there.
uniform sampler2D metres;
uniform vec2 size;          // of one picture, in texels
uniform float first_row;    // where this one begins
out vec4 block;

float at(vec2 texel) {
    return texelFetch(metres, ivec2(clamp(texel, vec2(0.0), size - 1.0) + vec2(0.0, first_row)), 0).r;
}

float apart(float one, float other) {
    return min(one, other) > 0.0 ? abs(one - other) : 0.0;
}

void main() {
    vec2 texel = gl_FragCoord.xy - vec2(0.5, 0.5 + first_row);
    float a = at(texel);
    float b = at(texel + vec2(1, 0));
    float c = at(texel + vec2(0, 1));
    float d = at(texel + vec2(1, 1));
    vec2 within = vec2(min(apart(b, a), apart(d, c)), min(apart(c, a), apart(d, b)));
    vec2 beyond = vec2(max(apart(a, at(texel - vec2(1, 0))), apart(b, at(texel + vec2(2, 0)))),
                       max(apart(a, at(texel - vec2(0, 1))), apart(c, at(texel + vec2(0, 2)))));
    vec2 slope = min(within, beyond);
    float slack = DEPTH_TOLERANCE + min((slope.x + slope.y) / min(min(a, b), min(c, d)), STEEPEST);
    int steps = int(slack * 255.0 / MOST_SLACK + 0.5);
    block = vec4(intBitsToFloat((floatBitsToInt(a) & ~255) | steps), b, c, d);
}
