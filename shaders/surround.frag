#version 330
// A calm dark room without walls: lightest at the horizon, which tells the head how it is turned.
uniform vec3 corner;      // the ray through the viewport's lower left corner, in the world
uniform vec3 across;      // what is added to it on the way to the right edge
uniform vec3 up;          // and to the top
in vec2 uv;
out vec4 color;

const vec3 SKY = vec3(0.036, 0.040, 0.052);
const vec3 HORIZON = vec3(0.130, 0.137, 0.155);
const vec3 FLOOR = vec3(0.036, 0.035, 0.037);
const vec3 FAR_FLOOR = vec3(0.090, 0.090, 0.094);
const float AHEAD = 0.2;  // how much lighter the world's front (-Z) is than its sides, so that turning shows as well

void main() {
    vec3 ray = corner + uv.x * across + uv.y * up;
    ray *= inversesqrt(dot(ray, ray));
    float near = 1.0 - abs(ray.y);
    float light = near * near;
    light *= light * (1.0 - AHEAD * ray.z);
    vec3 shade = mix(mix(FLOOR, FAR_FLOOR, light), mix(SKY, HORIZON, light), clamp(ray.y * 150.0 + 0.5, 0.0, 1.0));
    // Half a step of grey up or down: in the dark, the steps of eight bits would be rings around the world.
    float grain = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    color = vec4(shade + (grain - 0.5) / 255.0, 1.0);
}
