#version 330
// A picture with transparency, its colours already multiplied by it.
uniform sampler2D panel;
in vec2 uv;
out vec4 color;

void main() {
    color = textureLod(panel, uv, 0.0);
}
