/** The scores of the session so far. */

import type { SessionReport } from "frontrow";
import { facts, make } from "../dom.ts";

/** Two scores in large figures and what they come from. */
export class Scoreboard {
  readonly #session = score("session-v1", "startup, stalls, bit rate, dropped frames");
  readonly #window = score("window-v1", "startup, stall ratio, bit rate, buffer");
  readonly #facts = make("dl", { class: "facts tall" });

  constructor(box: HTMLElement) {
    box.append(this.#session.element, this.#window.element, this.#facts);
  }

  /** Shows a report. */
  show({ summary, scores }: SessionReport): void {
    this.#session.set(scores.session_v1);
    this.#window.set(scores.window_v1);
    const mean = summary.mean_kbps === undefined ? "–" : `${(summary.mean_kbps / 1000).toFixed(2)} Mbit/s`;
    facts(this.#facts, [
      ["First frame", summary.initial_startup_time_ms === undefined ? "–" : `${summary.initial_startup_time_ms} ms`],
      ["Stalls", `${summary.playback_stall_count}, ${(summary.playback_stall_duration_ms / 1000).toFixed(1)} s`],
      ["Rebuffer ratio", `${(100 * scores.rebuffer_ratio).toFixed(2)} %`],
      ["Mean bit rate", mean],
      ["Switches", String(summary.switches)],
    ]);
  }
}

function score(name: string, parts: string): { element: HTMLElement; set: (value: number) => void } {
  const figure = make("output", { class: "score-figure", "aria-label": name }, "–");
  const bar = make("i");
  const words = make("p", { class: "score-words" }, make("b", {}, name), make("small", {}, parts));
  const element = make("div", { class: "score", "data-score": name }, figure, words, make("div", { class: "score-bar" }, bar));
  return {
    element,
    set(value) {
      figure.textContent = value.toFixed(1);
      bar.style.inlineSize = `${value.toFixed(1)}%`;
      element.dataset["grade"] = value >= 80 ? "good" : value >= 60 ? "fair" : "poor";
    },
  };
}
