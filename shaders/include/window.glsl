// A picture that shows a part of what an eye sees, finer than what surrounds it.
uniform vec4 window;  // its lower left corner and its size, in parts of the eye's picture

// How much it counts at a place that goes from 0 to 1 across it: not at all at its edge, and nowhere suddenly.
float ramp(vec2 place) {
    vec2 t = clamp(min(place, 1.0 - place) / RAMP, 0.0, 1.0);
    vec2 smoothed = t * t * (3.0 - 2.0 * t);
    return smoothed.x * smoothed.y;
}
