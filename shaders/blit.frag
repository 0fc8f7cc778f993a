#version 330
// The picture as it is, opaque.
uniform sampler2D frame;
in vec2 uv;
out vec4 color;

void main() {
    color = vec4(textureLod(frame, uv, 0.0).rgb, 1.0);
}
