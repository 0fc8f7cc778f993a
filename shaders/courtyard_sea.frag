#version 330
in vec3 uv;
in vec3 body;
in vec3 crest;
uniform sampler2DArray layers;
out vec4 color;

void main() {
    float wave = texture(layers, uv).r - 0.28;
    color = vec4(body + crest * wave * 2.0, 1.0);
}
