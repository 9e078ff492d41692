// A layer applied to an image and to the image moved: the numbers and the words.

export const [SIDE, ROOM] = [24, 10]; // of the image, and how far it moves

/** The image after it moved: a part of the larger scene. */
export function view(scene, right, down) {
  const [values, full] = [new Float64Array(SIDE * SIDE), SIDE + 2 * ROOM];
  for (let i = 0; i < SIDE; i++)
    for (let j = 0; j < SIDE; j++) values[i * SIDE + j] = scene[(i + ROOM - down) * full + j + ROOM - right];
  return { values, width: SIDE, height: SIDE };
}

function grid(side, f) {
  const values = new Float64Array(side * side);
  for (let i = 0; i < side; i++) for (let j = 0; j < side; j++) values[i * side + j] = f(i, j);
  return { values, width: side, height: side };
}

function convolve({ values, width: n }, weight, padding = 0, stride = 1) {
  const side = Math.floor((n + 2 * padding - 3) / stride) + 1;
  return grid(side, (i, j) => {
    let sum = 0;
    for (let a = 0; a < 3; a++)
      for (let b = 0; b < 3; b++) {
        const [y, x] = [i * stride + a - padding, j * stride + b - padding];
        if (y >= 0 && y < n && x >= 0 && x < n) sum += weight[a][b] * values[y * n + x];
      }
    return sum;
  });
}

const pool = ({ values, width: n }) => grid(Math.floor(n / 2), (i, j) => {
  const at = 2 * i * n + 2 * j;
  return Math.max(values[at], values[at + 1], values[at + n], values[at + n + 1]);
});

let weights; // of the fully connected layer, drawn when it is first asked for
function dense({ values }) {
  const [size, side] = [values.length, SIDE - 2];
  if (!weights) {
    const uniform = uniforms(0);
    weights = Int8Array.from({ length: side * side * size }, () => Math.floor(9 * uniform()) - 4);
  }
  return grid(side, (i, j) => {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += weights[(i * side + j) * size + k] * values[k];
    return sum;
  });
}

const LAYERS = {
  convolution: (x, weight) => convolve(x, weight),
  padded: (x, weight) => convolve(x, weight, 1),
  "stride 2": (x, weight) => convolve(x, weight, 0, 2),
  pooled: (x, weight) => pool(convolve(x, weight)),
  dense,
};
export const output = (layer, x, weight) => LAYERS[layer](x, weight);

/** Where moved[i, j] is compared with first[i - down, j - right]; NaN where there is no such entry. */
export const shifted = ({ values, width: n }, right, down) => grid(n, (i, j) => {
  const [y, x] = [i - down, j - right];
  return y >= 0 && y < n && x >= 0 && x < n ? values[y * n + x] : NaN;
});

/**
 * The move of the first output, in the direction in which the image moved, after which most entries
 * agree; four rows and columns at least overlap. What is compared: all entries that overlap, or, where
 * most of the image is `blank`, those of them that are not 0 in the moved output.
 */
export function match(first, moved, right, down, blank) {
  const moves = (t) => (t ? Array.from({ length: moved.width - 3 }, (_, s) => s * Math.sign(t)) : [0]);
  let best = { fit: -1 };
  for (const dy of moves(down))
    for (const dx of moves(right)) {
      const there = shifted(first, dx, dy).values;
      let [agree, all] = [0, 0];
      moved.values.forEach((v, i) => {
        if (Number.isNaN(there[i])) return;
        if (blank && v === 0) return;
        all++;
        agree += v === there[i];
      });
      const share = all ? agree / all : 0;
      const fit = blank ? agree : share; // a share of few entries says little
      if (fit > best.fit) best = { fit, share, agree, all, right: dx, down: dy };
    }
  return best;
}

const same = "A\u00a0=\u00a0B";
const way = (right, down) => [
  right && `${right > 0 ? "right" : "left"} by ${Math.abs(right)}`,
  down && `${down > 0 ? "down" : "up"} by ${Math.abs(down)}`,
].filter(Boolean).join(" and ") || "by 0";

/** A move as arrows, two short words at most. */
export const arrows = (right, down) => [
  (right || !down) && `${right < 0 ? "←" : "→"} ${Math.abs(right)}`,
  down && `${down > 0 ? "↓" : "↑"} ${Math.abs(down)}`,
].filter(Boolean);

export const percent = (share) => `${+(100 * share).toFixed(1)}%`;

/** What moved how far, how much agrees, and why. */
export function spell({ layer, right, down }, found, blank) {
  const even = right % 2 === 0 && down % 2 === 0;
  const why = {
    convolution: "Each window meets the same pixels as before, elsewhere.",
    padded: "The zeros around the image stay where they are.",
    dense: "Each output has its own weight for every pixel.",
  }[layer] ?? (even ? "The windows are 2 apart. After an even move they meet the same pixels."
    : "The windows are 2 apart. After an odd move they meet other pixels.");
  const to = way(found.right, found.down);
  const half = (right || down) && found.right === right / 2 && found.down === down / 2;
  const how = found.right === right && found.down === down ? "along, " : half ? "half as far, " : "";
  const line = !right && !down ? `Nothing has moved: ${same}.` : found.share === 1 ? `The output moves ${how}${to}: ${same}.`
    : `No move fits: ${found.agree ? `with the best, ${to}, ` : ""}${percent(found.share)} of entries agree.`;
  return { line, notes: [why, `Compared: ${found.all} entries${blank ? ", not 0 in A, not gray" : " that A and B both have"}.`] };
}
