/** The table of all policies on the same network, each played to its end at once. */

import { chooseRung, PlaybackSession, type SessionReport } from "frontrow";
import { make } from "../dom.ts";
import { Playback, type Conditions, type PlaybackPlan } from "./playback.ts";

/** How a playback went in the end. */
export interface Run extends SessionReport {
  label: string;
  /** Whether it is the policy that the viewer chose. */
  isChosen: boolean;
}

/** Plays without showing anything: a few hundred decisions and folds, some milliseconds. */
export function playToTheEnd(plan: PlaybackPlan, conditions: Conditions): SessionReport {
  const playback = new Playback(plan, conditions, chooseRung);
  const session = PlaybackSession.begin();
  const report = session.report(playback.finish());
  session.close();
  return report;
}

/** Shows the runs, one a line, the better figure of each column marked. */
export function showRivals(table: HTMLTableElement, runs: readonly Run[]): void {
  const head = make("tr", {}, make("th", { scope: "col" }, "Policy"));
  for (const { name } of COLUMNS) head.append(make("th", { scope: "col" }, name));
  const bests = COLUMNS.map(({ value, isLowBetter }) => {
    const values = runs.map(value);
    return isLowBetter ? Math.min(...values) : Math.max(...values);
  });
  const body = make("tbody");
  for (const run of runs) {
    const line = make("tr", run.isChosen ? { class: "chosen" } : {}, make("th", { scope: "row" }, run.label));
    COLUMNS.forEach(({ value, show }, index) => {
      const figure = value(run);
      line.append(make("td", figure === bests[index] ? { class: "best" } : {}, show(figure)));
    });
    body.append(line);
  }
  table.replaceChildren(make("thead", {}, head), body);
}

interface Column {
  name: string;
  isLowBetter: boolean;
  value: (run: SessionReport) => number;
  show: (figure: number) => string;
}

const COLUMNS: readonly Column[] = [
  {
    name: "Mean bit rate",
    isLowBetter: false,
    value: ({ summary }) => summary.mean_kbps ?? 0,
    show: (kbps) => `${(kbps / 1000).toFixed(2)} Mbit/s`,
  },
  { name: "Stalls", isLowBetter: true, value: ({ summary }) => summary.playback_stall_count, show: String },
  {
    name: "Stalled",
    isLowBetter: true,
    value: ({ summary }) => summary.playback_stall_duration_ms,
    show: (ms) => `${(ms / 1000).toFixed(1)} s`,
  },
  { name: "Switches", isLowBetter: true, value: ({ summary }) => summary.switches, show: String },
  { name: "session-v1", isLowBetter: false, value: ({ scores }) => scores.session_v1, show: (score) => score.toFixed(1) },
  { name: "window-v1", isLowBetter: false, value: ({ scores }) => scores.window_v1, show: (score) => score.toFixed(1) },
];
