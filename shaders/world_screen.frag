#version 330
// A picture on a rectangle, whose edges fade over a pixel.
uniform sampler2D picture;
uniform vec4 content;     // lower left corner and size of what is shown, in texture coordinates
uniform vec4 bounds;      // lower left and upper right corner beyond which a fetch would take in what is beside it
uniform float opacity;
in vec2 place;
out vec4 color;

void main() {
    vec2 cover = clamp(min(place, 1.0 - place) / fwidth(place) + 0.5, 0.0, 1.0);
    vec2 at = clamp(content.xy + place * content.zw, bounds.xy, bounds.zw);
    vec4 texel = texture(picture, at);
    color = vec4(texel.rgb, 1.0) * (texel.a * opacity * cover.x * cover.y);
}
