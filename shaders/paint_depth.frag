#version 330
// The distance in metres, along the view's axis, of the pixel under each texel's centre.
uniform sampler2D depth;    // window depth at full resolution
uniform vec2 unproject;     // the distance is x / (2 depth - 1 + y)
uniform vec2 scale;         // pixels for each texel
uniform vec2 corner;        // the pixel under the lower left corner of this picture
uniform float first_row;    // the lowest row of this picture in the target
out float metres;

void main() {
    // A centre between two pixels must not fall to this one or that by rounding.
    ivec2 pixel = ivec2(corner + (gl_FragCoord.xy - vec2(0.0, first_row)) * scale + 0.01);
    metres = unproject.x / (2.0 * texelFetch(depth, pixel, 0).r - 1.0 + unproject.y);
}
