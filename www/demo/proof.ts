/** The panel that asks the node the same question and lays the answers side by side. */

import type { RankingModel, RecommendAnswer } from "frontrow";
import type { Catalogue } from "./catalogue.ts";
import { byId, facts, make } from "./dom.ts";
import { askNode, NodeError, type CandidateFile, type NodeAnswer } from "./node.ts";
import type { Visitor } from "./rows.ts";

/** Picks compared. */
const K = 20;
/** The browser's clock is too coarse for one answer, so this many are timed together. */
const RUNS = 64;

/** What the panel needs to know of the page. */
export interface ProofState {
  file: CandidateFile;
  model: RankingModel;
  catalogue: Catalogue;
  visitor: Visitor;
}

/** Makes the button work. */
export function startProof(state: () => ProofState): void {
  byId("compare").addEventListener("click", () => void compare(state()));
}

/** Forgets a comparison that another click has made old, and shows what the page runs on now. */
export function showProof(state: ProofState, mean_us: number): void {
  const { file, model, visitor } = state;
  facts(byId("proof-facts"), [
    ["Generation", String(file.generation)],
    ["Candidate set", `${visitor.region}, ${Math.round(file.bytes.length / 1024)} kB`],
    ["Titles, with rows", `${model.info.titles}, ${model.info.rows}`],
    ["ONNX ranker", model.info.ranker ? `orders the best ${file.rules.ranker_pool}` : "none"],
    ["ONNX tower", model.info.tower ? "reads the whole history" : "none"],
    ["Computed in your browser in", `${mean_us} µs`],
  ]);
  byId("verdict").textContent = "";
  byId("verdict").removeAttribute("data-verdict");
  const { picks } = model.recommend(question(visitor, Date.now()));
  const names = picks.map((pick) => state.catalogue.of(pick.title).name);
  showTable(picks.map((pick, index) => [String(index + 1), names[index] ?? "", String(pick.title), "", ""]));
}

/** Mean time of an answer, question and answer in JSON included. */
export function microseconds({ model, visitor }: ProofState): number {
  const asked = question(visitor, Date.now());
  // The first ones compile and fill caches.
  for (let run = 0; run < RUNS / 4; run += 1) model.recommend(asked);
  const before = performance.now();
  for (let run = 0; run < RUNS; run += 1) model.recommend(asked);
  return Math.round(((performance.now() - before) * 1000) / RUNS);
}

async function compare(state: ProofState): Promise<void> {
  const { model, visitor, file } = state;
  const asked = question(visitor, Date.now());
  const ours = model.recommend(asked);
  try {
    const theirs = await askNode({ ...asked, region: visitor.region });
    showAnswers(state, ours, theirs);
    const verdict = judge(ours, theirs, file.generation);
    say(verdict.text, verdict.isSame ? "same" : "different");
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    say(`${error.message}. The page does not need it: ${ours.picks.length} picks were just computed here.`, "away");
  }
}

function judge(ours: RecommendAnswer, theirs: NodeAnswer, generation: number): { text: string; isSame: boolean } {
  if (theirs.generation !== generation) {
    const text = `The node has gone on to generation ${theirs.generation}; reload the page to follow it.`;
    return { text, isSame: false };
  }
  const isSameOrder =
    ours.picks.length === theirs.picks.length &&
    ours.picks.every(({ title }, index) => title === theirs.picks[index]?.title);
  const isSameScore = ours.picks.every(({ score }, index) => Math.fround(score) === Math.fround(theirs.picks[index]?.score ?? NaN));
  if (isSameOrder && isSameScore) {
    const text = `Identical: ${ours.picks.length} ids in the same order, every score equal to the last bit. The node took ${theirs.timings_us.decide} microseconds.`;
    return { text, isSame: true };
  }
  if (theirs.ranked && !ours.ranked) {
    const shared = ours.picks.filter(({ title }) => theirs.picks.some((pick) => pick.title === title)).length;
    const text = `The node let its ONNX ranker order the best; ${shared} of ${ours.picks.length} ids are shared.`;
    return { text, isSame: false };
  }
  return { text: isSameOrder ? "The order is the same, the scores are not." : "The answers differ.", isSame: false };
}

function showAnswers({ catalogue }: ProofState, ours: RecommendAnswer, theirs: NodeAnswer): void {
  const lines = ours.picks.map((pick, index) => {
    const other = theirs.picks[index];
    const isSame = other?.title === pick.title && Math.fround(other.score) === Math.fround(pick.score);
    const name = catalogue.of(pick.title).name;
    return [String(index + 1), name, String(pick.title), String(other?.title ?? "–"), isSame ? "=" : "≠"];
  });
  showTable(lines);
}

function showTable(lines: readonly (readonly string[])[]): void {
  const head = make("tr", {}, ...["", "Title", "Browser", "Node", ""].map((name) => make("th", { scope: "col" }, name)));
  const body = make("tbody", {}, ...lines.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell)))));
  byId("comparison").replaceChildren(make("thead", {}, head), body);
}

function say(text: string, verdict: string): void {
  const line = byId("verdict");
  line.textContent = text;
  line.dataset["verdict"] = verdict;
}

function question({ seen, maturity_max }: Visitor, at_unix_ms: number) {
  return { history: seen, k: K, maturity_max, at_unix_ms };
}
