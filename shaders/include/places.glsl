// What lies around a place in a stack of pictures that was taken from another pose. With DEPTH distances tell whether
// the same surface is seen there; without, everything is endlessly far away.
// 1 for no difference, and ever less for more than 1.
float likeness(float difference) {
    float apart = 1.0 + difference * difference;
    return 1.0 / (apart * apart);
}

vec4 likeness(vec4 difference) {
    vec4 apart = 1.0 + difference * difference;
    return 1.0 / (apart * apart);
}

#ifdef DEPTH
// How much the four texels of the block at `texel` are of a surface at this distance. See depth_blocks.frag.
vec4 sameness(sampler2D blocks, ivec2 texel, float metres) {
    vec4 block = texelFetch(blocks, texel, 0);
    float slack = float(floatBitsToInt(block.r) & 255) * (MOST_SLACK / 255.0);
    return likeness((block - metres) / (slack * metres));
}
#endif

// Texels times distance, and distance, of what a matrix takes there. What lies behind that eye must not divide by zero.
vec3 placed(mat4x3 matrix, vec4 from) {
    vec3 there = matrix * from;
    return vec3(there.xy, max(there.z, 1e-4));
}

// 1 inside the picture and up to half a texel around it, 0 elsewhere and behind the eye.
float inside(vec3 there, vec2 position, vec2 size) {
    bool is_inside = there.z > 1e-4 && all(greaterThan(position, vec2(-1.0))) && all(lessThan(position, size));
    return is_inside ? 1.0 : 0.0;
}

// Weights of bilinear filtering for the texels of a block.
vec4 tents(vec2 t) {
    return vec4(vec2(1.0 - t.x, t.x) * (1.0 - t.y), vec2(1.0 - t.x, t.x) * t.y);
}
