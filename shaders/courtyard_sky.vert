#version 330
// The dome is endlessly far: the eye's place does not count, and its depth is that of the far plane.
in vec3 in_position;
in vec2 in_uv;
uniform mat4 to_clip;
out vec2 uv;

void main() {
    uv = in_uv;
    gl_Position = (to_clip * vec4(in_position, 0.0)).xyww;
}
