#version 330
in vec2 uv;
in vec3 body;
in vec3 crest;
uniform sampler2DArray layers;
uniform float water_layer;
out vec4 color;

void main() {
    float wave = texture(layers, vec3(uv, water_layer)).r - 0.28;
    color = vec4(body + crest * wave * 2.0, 1.0);
}
