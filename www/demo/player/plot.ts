/** The plot of a playback: rung and network above, buffer below, stalls through both. */

import type { Rung } from "frontrow";
import type { Playback, Sample } from "./playback.ts";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 62, right: 14, top: 12, bottom: 26 };
const RATES_SHARE = 0.62;
const GAP = 20;
const HEIGHT = 330;

/** Draws one playback; `draw` may be called at every frame. */
export class Plot {
  readonly #svg: SVGSVGElement;
  readonly #box: HTMLElement;
  readonly #network: SVGPathElement;
  readonly #rung: SVGPathElement;
  readonly #bufferArea: SVGPathElement;
  readonly #bufferLine: SVGPathElement;
  readonly #stalls: SVGGElement;
  readonly #axes: SVGGElement;
  readonly #now: SVGLineElement;
  readonly #dot: SVGCircleElement;
  #playback: Playback | undefined;

  constructor(box: HTMLElement) {
    this.#box = box;
    this.#svg = shape("svg", { role: "img" });
    this.#axes = shape("g", { class: "axes" });
    this.#stalls = shape("g", { class: "stalls" });
    this.#network = shape("path", { class: "network" });
    this.#bufferArea = shape("path", { class: "buffer-area" });
    this.#bufferLine = shape("path", { class: "buffer-line" });
    this.#rung = shape("path", { class: "rung" });
    this.#now = shape("line", { class: "now" });
    this.#dot = shape("circle", { class: "dot", r: 4 });
    const layers = [this.#stalls, this.#axes, this.#network, this.#bufferArea, this.#bufferLine];
    this.#svg.append(...layers, this.#now, this.#rung, this.#dot);
    box.append(this.#svg);
    new ResizeObserver(() => this.#redraw()).observe(box);
  }

  /** Shows a playback as far as it has come. */
  draw(playback: Playback): void {
    this.#playback = playback;
    this.#redraw();
  }

  /** Says in words what the lines show. */
  describe(text: string): void {
    this.#svg.setAttribute("aria-label", text);
  }

  #redraw(): void {
    const playback = this.#playback;
    const width = Math.round(this.#box.clientWidth);
    if (playback === undefined || width === 0) return;
    const scales = scalesFor(playback, width);
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.#svg.setAttribute("height", String(HEIGHT));
    this.#axes.replaceChildren(...axesOf(scales, playback));
    this.#drawStalls(scales, playback);
    this.#drawLines(scales, playback);
  }

  #drawStalls({ x, ratesTop, bufferBottom }: Scales, { stalls, at_ms }: Playback): void {
    const bands = stalls.map(({ from_ms, until_ms }) => {
      const left = x(from_ms);
      const width = Math.max(2, x(until_ms ?? at_ms) - left);
      return shape("rect", { x: left, width, y: ratesTop, height: bufferBottom - ratesTop });
    });
    this.#stalls.replaceChildren(...bands);
  }

  #drawLines(scales: Scales, { samples }: Playback): void {
    const { x, rate, buffer, bufferBottom, ratesTop } = scales;
    const decided = samples.filter(({ kbps }) => kbps > 0);
    this.#network.setAttribute("d", line(samples, ({ at_ms }) => x(at_ms), ({ network_kbps }) => rate(network_kbps)));
    this.#rung.setAttribute("d", steps(decided, ({ at_ms }) => x(at_ms), ({ kbps }) => rate(kbps)));
    const level = line(samples, ({ at_ms }) => x(at_ms), ({ buffer_ms }) => buffer(buffer_ms));
    this.#bufferLine.setAttribute("d", level);
    const last = samples.at(-1);
    const isEmpty = last === undefined || samples.length < 2;
    this.#bufferArea.setAttribute("d", isEmpty ? "" : `${level}V${bufferBottom}H${x(0)}Z`);
    if (last === undefined) return;
    const at = x(last.at_ms);
    set(this.#now, { x1: at, x2: at, y1: ratesTop, y2: bufferBottom });
    set(this.#dot, { cx: at, cy: last.kbps > 0 ? rate(last.kbps) : -10 });
  }
}

interface Scales {
  x: (at_ms: number) => number;
  rate: (kbps: number) => number;
  buffer: (buffer_ms: number) => number;
  width: number;
  ratesTop: number;
  ratesBottom: number;
  bufferTop: number;
  bufferBottom: number;
  end_ms: number;
}

function scalesFor({ plan, at_ms }: Playback, width: number): Scales {
  // Room for stalls: the playback takes longer than the title.
  const end_ms = Math.max(plan.duration_ms * 1.08, at_ms * 1.04);
  const inner = HEIGHT - MARGIN.top - MARGIN.bottom - GAP;
  const ratesTop = MARGIN.top;
  const ratesBottom = ratesTop + inner * RATES_SHARE;
  const bufferTop = ratesBottom + GAP;
  const bufferBottom = HEIGHT - MARGIN.bottom;
  const lowest = Math.log2((plan.ladder[0]?.kbps ?? 300) / 2.2);
  const highest = Math.log2((plan.ladder.at(-1)?.kbps ?? 15_000) * 1.3);
  const span = width - MARGIN.left - MARGIN.right;
  return {
    x: (at) => round(MARGIN.left + (at / end_ms) * span),
    rate: (kbps) => {
      const share = (Math.log2(Math.max(kbps, 1)) - lowest) / (highest - lowest);
      return round(ratesBottom - Math.min(1, Math.max(0, share)) * (ratesBottom - ratesTop));
    },
    buffer: (ms) => round(bufferBottom - Math.min(1, ms / plan.buffer_max_ms) * (bufferBottom - bufferTop)),
    width,
    ratesTop,
    ratesBottom,
    bufferTop,
    bufferBottom,
    end_ms,
  };
}

function axesOf(scales: Scales, { plan }: Playback): SVGElement[] {
  const { x, rate, buffer, width, bufferBottom, bufferTop, end_ms } = scales;
  const right = width - MARGIN.right;
  const marks: SVGElement[] = [];
  const level = (y: number, text: string): void => {
    marks.push(shape("line", { x1: MARGIN.left, x2: right, y1: y, y2: y }));
    marks.push(label(MARGIN.left - 10, y + 4, text, "end"));
  };
  for (const rung of plan.ladder) level(rate(rung.kbps), rungLabel(rung));
  level(bufferBottom, "0 s");
  level(bufferTop, `${plan.buffer_max_ms / 1000} s`);
  level(buffer(plan.buffer_max_ms / 2), `${plan.buffer_max_ms / 2000} s`);
  const step_ms = width < 520 ? 60_000 : 30_000;
  for (let at = 0; at <= end_ms; at += step_ms) {
    marks.push(label(x(at), HEIGHT - 6, clock(at), at === 0 ? "start" : "middle"));
  }
  return marks;
}

/** "0:45" */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function rungLabel({ height }: Rung): string {
  return height >= 2_160 ? "4K" : `${height}p`;
}

function line(samples: readonly Sample[], x: (s: Sample) => number, y: (s: Sample) => number): string {
  return samples.map((sample, index) => `${index === 0 ? "M" : "L"}${x(sample)} ${y(sample)}`).join("");
}

/** A decision holds until the next one: no slopes, and a point only where it changes. */
function steps(samples: readonly Sample[], x: (s: Sample) => number, y: (s: Sample) => number): string {
  let path = "";
  let before: Sample | undefined;
  for (const sample of samples) {
    if (before === undefined) path = `M${x(sample)} ${y(sample)}`;
    else if (sample.kbps !== before.kbps) path += `H${x(sample)}V${y(sample)}`;
    before = sample;
  }
  return before === undefined ? "" : `${path}H${x(before)}`;
}

function label(x: number, y: number, text: string, anchor: string): SVGTextElement {
  const element = shape("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}

function shape<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number>,
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  set(element, attributes);
  return element;
}

function set(element: SVGElement, attributes: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
