/** Writes rankers of dense layers as ONNX, and computes them a second way. */

/** `inputs` rows of `outputs` weights, and a bias each or none; a ReLU stands between two layers. */
export interface DenseLayer {
  weights: readonly (readonly number[])[];
  biases: readonly number[];
}

/** An ONNX file with one input `features` and one output `logit`. */
export function onnx(layers: readonly DenseLayer[], activation = "Relu"): Uint8Array {
  const nodes: Uint8Array[] = [];
  const tensors: Uint8Array[] = [];
  let current = "features";
  const step = (operator: string, weights: string[], output: string): void => {
    nodes.push(node(operator, [current, ...weights], output));
    current = output;
  };
  layers.forEach(({ weights, biases }, index) => {
    const isLast = index === layers.length - 1;
    tensors.push(tensor(`w${index}`, [weights.length, weights[0]?.length ?? 0], weights.flat()));
    step("MatMul", [`w${index}`], isLast && biases.length === 0 ? "logit" : `dense${index}`);
    if (biases.length > 0) {
      tensors.push(tensor(`b${index}`, [biases.length], biases));
      step("Add", [`b${index}`], isLast ? "logit" : `sum${index}`);
    }
    if (!isLast) step(activation, [], `relu${index}`);
  });
  const names = [bytes(11, bytes(1, utf8("features"))), bytes(12, bytes(1, utf8("logit")))];
  const graph = concat([...nodes.map((made) => bytes(1, made)), ...tensors.map((made) => bytes(5, made)), ...names]);
  return concat([number(1, 8), bytes(7, graph)]);
}

/** The logit of one row, each product and each sum rounded to f32. */
export function logitOf(layers: readonly DenseLayer[], row: readonly number[]): number {
  const { fround } = Math;
  let numbers = row.map(fround);
  layers.forEach(({ weights, biases }, index) => {
    const outputs = weights[0]?.length ?? 0;
    const sums = Array.from({ length: outputs }, (_, output) =>
      numbers.reduce((sum, value, input) => fround(sum + fround(value * fround(weights[input]?.[output] ?? NaN))), 0),
    );
    numbers = biases.length > 0 ? sums.map((sum, output) => fround(sum + fround(biases[output] ?? NaN))) : sums;
    if (index < layers.length - 1) numbers = numbers.map((value) => Math.max(value, 0));
  });
  return numbers[0] ?? NaN;
}

function node(operator: string, inputs: string[], output: string): Uint8Array {
  return concat([...inputs.map((input) => bytes(1, utf8(input))), bytes(2, utf8(output)), bytes(4, utf8(operator))]);
}

function tensor(name: string, shape: number[], values: readonly number[]): Uint8Array {
  const raw = new Uint8Array(Float32Array.from(values).buffer);
  return concat([...shape.map((side) => number(1, side)), number(2, 1), bytes(8, utf8(name)), bytes(9, raw)]);
}

function number(field: number, value: number): Uint8Array {
  return concat([varint(field * 8), varint(value)]);
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return concat([varint(field * 8 + 2), varint(value.length), value]);
}

function varint(value: number): Uint8Array {
  const digits: number[] = [];
  for (let rest = value; digits.length === 0 || rest > 0; rest = Math.floor(rest / 128)) {
    digits.push((rest % 128) + (rest >= 128 ? 128 : 0));
  }
  return Uint8Array.from(digits);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
