#version 330
in vec2 uv;
uniform sampler2D panorama;
out vec4 color;

void main() {
    color = vec4(texture(panorama, uv).rgb, 1.0);
}
