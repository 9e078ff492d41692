// Random numbers, the same for the same seed here and in random.py.

/** A function that gives a number from 0 to 1, without 1, at each call: mulberry32. */
export function uniforms(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Independent Gaussian numbers of mean 0 and standard deviation 1; a longer list begins alike. */
export function normals(seed, count) {
  const uniform = uniforms(seed);
  return Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return radius * Math.cos(2 * Math.PI * uniform());
  });
}
