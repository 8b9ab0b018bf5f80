"use strict";
// The page's own decoder, sliders and pictures. No library, no network.
const page = JSON.parse(document.getElementById("page").textContent);
const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const floats = text => new Float32Array(bytes(text).buffer);

const UNARY = {
  Abs: Math.abs, Exp: Math.exp, Neg: x => -x, Sqrt: Math.sqrt, Tanh: Math.tanh,
  Elu: x => x < 0 ? Math.expm1(x) : x,
  Relu: x => Math.max(x, 0), Relu6: x => Math.min(Math.max(x, 0), 6),
  Selu: x => 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * Math.expm1(x) : x),
  Rsqrt: x => 1 / Math.sqrt(x), Sigmoid: x => 1 / (1 + Math.exp(-x)),
  Softplus: x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), Square: x => x * x,
  Round: x => { const r = Math.round(x); return Math.abs(x % 1) === 0.5 && r % 2 ? r - 1 : r; },
};
UNARY.Rint = UNARY.Round;
const BINARY = {
  Add: (a, b) => a + b, Sub: (a, b) => a - b, Mul: (a, b) => a * b, Div: (a, b) => a / b,
  Max: Math.max, Min: Math.min,
};

// Where the numbers of a tensor are when it is spread over a larger shape.
function spread(shape, target) {
  const strides = new Array(target.length).fill(0);
  for (let i = shape.length - 1, step = 1, at = target.length - 1; i >= 0; i--, at--) {
    strides[at] = shape[i] === 1 ? 0 : step;
    step *= shape[i];
  }
  const size = target.reduce((a, b) => a * b, 1), places = new Int32Array(size);
  for (let n = 0; n < size; n++) {
    let rest = n, place = 0;
    for (let i = target.length - 1; i >= 0; i--) {
      place += rest % target[i] * strides[i];
      rest = Math.floor(rest / target[i]);
    }
    places[n] = place;
  }
  return places;
}

function convolved(step, x, weights, back) {
  const [, height, width, depth] = step.from, [, rows, columns, channels] = step.shape;
  const [tall, wide] = step.kernel, [down, across] = step.stride, [top, left] = step.pad;
  const sums = new Float64Array(rows * columns * channels);
  // back: each input is painted into the output; else each output gathers inputs.
  const [h, w] = back ? [height, width] : [rows, columns];
  const [H, W] = back ? [rows, columns] : [height, width];
  for (let i = 0; i < h; i++) for (let j = 0; j < w; j++)
    for (let u = 0; u < tall; u++) for (let v = 0; v < wide; v++) {
      const y = i * down - top + u, z = j * across - left + v;
      if (y < 0 || z < 0 || y >= H || z >= W) continue;
      const small = i * w + j, large = y * W + z, base = (u * wide + v) * channels * depth;
      const from = (back ? small : large) * depth, to = (back ? large : small) * channels;
      for (let d = 0; d < depth; d++) {
        const value = x[from + d];
        if (value === 0) continue;
        for (let c = 0; c < channels; c++)
          sums[to + c] += value * weights[base + (back ? c * depth + d : d * channels + c)];
      }
    }
  return Float32Array.from(sums);
}

function runner(program) {
  const numbers = floats(program.numbers);
  const constants = program.constants.map(([start, size]) => numbers.subarray(start, start + size));
  const prepared = program.steps.map(step =>
    step.shapes && step.shapes.map(shape => spread(shape, step.shape)));
  return code => {
    const tensors = [code, ...constants];
    program.steps.forEach((step, n) => {
      const [a, b] = step.in.map(i => tensors[i]);
      const size = step.shape.reduce((p, q) => p * q, 1);
      let out = new Float32Array(size);
      if (step.op === "Take") for (let i = 0; i < size; i++) out[i] = a[b[i]];
      else if (step.op === "MatMul") {
        const [rows, columns] = step.shape, inner = a.length / rows;
        const sums = new Float64Array(size);
        for (let i = 0; i < a.length; i++) if (a[i] !== 0) {
          const from = (i % inner) * columns, to = Math.floor(i / inner) * columns;
          for (let j = 0; j < columns; j++) sums[to + j] += a[i] * b[from + j];
        }
        out.set(sums);
      } else if (step.op === "Convolve" || step.op === "Deconvolve")
        out = convolved(step, a, b, step.op === "Deconvolve");
      else if (BINARY[step.op]) {
        const [left, right] = prepared[n], of = BINARY[step.op];
        for (let i = 0; i < size; i++) out[i] = of(a[left[i]], b[right[i]]);
      } else {
        const of = step.op === "Cast" ? (step.whole ? Math.trunc : x => x)
          : step.op === "LeakyRelu" ? x => x < 0 ? step.alpha * x : x : UNARY[step.op];
        for (let i = 0; i < size; i++) out[i] = of(a[i]);
      }
      tensors.push(out);
    });
    const last = tensors[tensors.length - 1];
    return program.scale === 1 ? last
      : last.map(x => UNARY.Round(program.scale * Math.min(Math.max(x, 0), 1)));
  };
}

function paint(canvas, pixels) {
  const [height, width, channels] = page.shape, area = height * width;
  const image = new ImageData(width, height);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[channels * i + (c % channels)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const images = bytes(page.images), area = page.shape[0] * page.shape[1] * page.shape[2];
const picture = row => images.subarray(row * area, (row + 1) * area);
const codes = floats(page.codes), size = page.size;
const code = new Float32Array(size);
const sliders = [...document.querySelectorAll("input[type=range]")];
const decode = page.program && runner(page.program);
let start = 0;

// Rows of the images whose codes are nearest, each latent in its own standard deviations.
function nearest(count) {
  const found = [];
  for (let row = 0; row < codes.length / size; row++) {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += ((codes[row * size + k] - code[k]) / page.deviations[k]) ** 2;
    found.push([sum, row]);
  }
  return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, count).map(pair => pair[1]);
}

function draw() {
  const shown = [...document.querySelectorAll("canvas.shown")];
  if (decode) paint(shown[0], decode(code));
  else nearest(shown.length).forEach((row, i) => {
    shown[i].dataset.row = row;
    paint(shown[i], picture(row));
  });
}

const written = x => (x < 0 ? "\u2212" : x > 0 ? "+" : "") + Math.abs(x).toFixed(2);
function tell(slider) {
  const value = written(code[slider.dataset.code]);
  slider.parentElement.querySelector("output").textContent = value;
  slider.setAttribute("aria-valuetext", value);
}

function reset() {
  code.set(codes.subarray(start * size, (start + 1) * size));
  sliders.forEach(slider => { slider.value = code[slider.dataset.code]; tell(slider); });
  const original = document.getElementById("original");
  if (original) paint(original, picture(start));
  draw();
}

sliders.forEach(slider => slider.addEventListener("input", () => {
  code[slider.dataset.code] = Number(slider.value);
  tell(slider);
  draw();
}));
document.querySelectorAll("input[name=start]").forEach(choice => {
  paint(choice.parentElement.querySelector("canvas"), picture(Number(choice.value)));
  choice.addEventListener("change", () => { start = Number(choice.value); reset(); });
});
document.getElementById("reset").addEventListener("click", reset);
document.querySelector("input[name=start]").checked = true;
reset();
