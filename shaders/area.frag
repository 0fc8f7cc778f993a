#version 330
// The mean of the texels under a pixel, from TAPS_X x TAPS_Y bilinear fetches spread evenly over its footprint.
uniform sampler2D source;
uniform vec4 window;     // lower left corner and size of the part that is drawn, in texture coordinates
uniform vec2 footprint;  // a target pixel's width and height, likewise
uniform vec2 vertical;   // offset and sign of the vertical coordinate: (0, 1) upright, (1, -1) upside down
#ifdef MIRRORED
uniform vec4 content;    // lower left corner and size of what is drawn, in texture coordinates; around it, its mirror image
#endif
in vec2 uv;
out vec4 color;

const vec2 TAPS = vec2(TAPS_X, TAPS_Y);

vec2 place(vec2 at) {
#ifdef MIRRORED
    vec2 folded = content.xy + abs(mod((at - content.xy) / content.zw + 1.0, 2.0) - 1.0) * content.zw;
    // Half a texel inside, so that no fetch takes in anything else.
    vec2 margin = 0.5 / vec2(textureSize(source, 0));
    return clamp(folded, content.xy + margin, content.xy + content.zw - margin);
#else
    return at;
#endif
}

void main() {
    vec2 center = window.xy + vec2(uv.x, vertical.x + vertical.y * uv.y) * window.zw;
    vec3 sum = vec3(0.0);
    for (int y = 0; y < TAPS_Y; ++y) {
        for (int x = 0; x < TAPS_X; ++x) {
            sum += textureLod(source, place(center + footprint * ((vec2(x, y) + 0.5) / TAPS - 0.5)), 0.0).rgb;
        }
    }
    color = vec4(sum / float(TAPS_X * TAPS_Y), 1.0);
}
