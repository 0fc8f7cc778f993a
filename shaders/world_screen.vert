#version 330
// A flat rectangle in the world, a little larger than itself to give its soft edges room. Four corners, no buffer.
uniform mat4 to_clip;     // from the rectangle's plane, in metres
uniform vec4 rectangle;   // left, low, width and height in that plane
out vec2 place;           // 0 to 1 between its edges

const float MARGIN = 1.0 / 64.0;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    place = mix(vec2(-MARGIN), vec2(1.0 + MARGIN), corner);
    gl_Position = to_clip * vec4(rectangle.xy + place * rectangle.zw, 0.0, 1.0);
}
