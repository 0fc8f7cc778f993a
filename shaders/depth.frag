#version 330
// Window depth as it is, from one depth texture to another, whatever their formats.
uniform sampler2D depth;
in vec2 uv;

void main() {
    gl_FragDepth = textureLod(depth, uv, 0.0).r;
}
