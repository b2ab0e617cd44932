/** The package as another site uses it: typed answers, typed errors, and types that name no glue. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { before } from "node:test";
import { fileURLToPath } from "node:url";
import {
  chooseRung,
  FileRefusedError,
  type FrontrowError,
  loadFrontrow,
  LoadFailedError,
  NotAvailableError,
  NotLoadedError,
  PlaybackSession,
  RankingModel,
  type RankingRules,
  RequestRefusedError,
} from "frontrow";
import { fixture, LAYERS } from "./catalogue.ts";
import { type DenseLayer, logitOf, onnx } from "./onnx.ts";

const WWW = fileURLToPath(new URL("..", import.meta.url));
const RULES: RankingRules = { recency_tau: 4, history_window: 30, ranker_pool: 0 };
const LADDER = [
  { id: "low", height: 360, kbps: 500 },
  { id: "high", height: 1_080, kbps: 5_000 },
];
const START = 1_700_000_000_000;

const { titles, candidates, ranker } = fixture();
const eu = candidates.get("eu") ?? new Uint8Array();

/** What a call throws, which must be of this class and have this code. */
function refuses(Class: new (...words: never[]) => FrontrowError, code: string, call: () => unknown): void {
  assert.throws(call, (error: FrontrowError) => {
    assert.ok(error instanceof Class, `${error}`);
    assert.equal(error.code, code);
    assert.notEqual(error.message, "");
    return true;
  });
}

before(async () => {
  refuses(NotLoadedError, "not-loaded", () => chooseRung({ ladder: LADDER }));
  await assert.rejects(loadFrontrow(new Uint8Array([0, 1, 2, 3])), LoadFailedError);
  // A failed attempt may be repeated.
  await loadFrontrow(await readFile(join(WWW, "generated/bindings_bg.wasm")));
});

test("a model says what it holds and answers k picks in falling order", () => {
  const model = RankingModel.decode(eu, RULES);
  assert.deepEqual(model.info, { region: "eu", titles: titles.length, rows: titles.length, viewers: 0, ranker: false, tower: false });
  const history = [titles[3]?.id ?? 0, titles[40]?.id ?? 0];
  const { picks, eligible, ranked } = model.recommend({ history, k: 50 });
  assert.equal(picks.length, 50);
  assert.equal(ranked, false);
  assert.equal(eligible, titles.length - history.length);
  const scores = picks.map(({ score }) => score);
  assert.deepEqual(scores, [...scores].sort((a, b) => b - a));
  assert.ok(picks.every(({ title }) => !history.includes(title)));
  model.close();
});

test("an unknown title in the history, or none at all, is not an error", () => {
  const model = RankingModel.decode(eu, RULES);
  assert.equal(model.recommend({}).picks.length, 10);
  assert.equal(model.recommend({}).picks[0]?.reason.kind, "popular-for-new-viewer");
  assert.equal(model.recommend({ history: [4_294_967_295] }).picks[0]?.reason.kind, "popular-without-match");
  model.close();
});

test("a tower of another trainer is refused by name, and the release works without it", async () => {
  const tower = await readFile(join(WWW, "../crates/inference/tests/data/towers/gru-script.onnx"));
  refuses(FileRefusedError, "tower-unknown", () => RankingModel.decode(eu, RULES, { tower }));
  assert.equal(RankingModel.decode(eu, RULES).info.tower, false);
});

test("questions out of range are refused with their code", () => {
  const model = RankingModel.decode(eu, RULES);
  refuses(RequestRefusedError, "k-out-of-range", () => model.recommend({ k: 0 }));
  refuses(RequestRefusedError, "k-out-of-range", () => model.recommend({ k: 101 }));
  refuses(RequestRefusedError, "history-too-long", () => model.recommend({ history: Array(100_000).fill(1) }));
  refuses(RequestRefusedError, "json-malformed", () => model.recommend({ k: 1, colour: "red" } as object));
  refuses(RequestRefusedError, "json-malformed", () => model.recommend({ k: Number.NaN }));
  refuses(NotAvailableError, "no-factors", () => model.predict([{ viewer: 1, title: 2 }]));
  assert.equal(model.recommend({ k: 3 }).picks.length, 3, "it still answers");
  model.close();
});

test("files that are not what they say are refused", () => {
  const cut = eu.slice(0, eu.length - 1);
  for (const bytes of [new Uint8Array(), new Uint8Array(8).fill(255), cut]) {
    refuses(FileRefusedError, "not-safetensors", () => RankingModel.decode(bytes, RULES));
  }
  refuses(FileRefusedError, "not-safetensors", () => RankingModel.decode(eu, RULES, { factors: new Uint8Array(3) }));
  const rules = { ...RULES, recency_tau: 0 };
  refuses(FileRefusedError, "rule-out-of-range", () => RankingModel.decode(eu, rules));
  refuses(FileRefusedError, "state-malformed", () => PlaybackSession.restore(new Uint8Array([1, 2, 3])));
});

/** What a ranker gives each title of a pool of a hundred. */
function logits(layers: readonly DenseLayer[]): Map<number, number> {
  const model = RankingModel.decode(eu, { ...RULES, ranker_pool: 100 }, { ranker: onnx(layers) });
  const history = [titles[3]?.id ?? 0, titles[40]?.id ?? 0, titles[200]?.id ?? 0];
  const { picks, ranked } = model.recommend({ history, k: 100 });
  assert.equal(ranked, true);
  model.close();
  // JSON has the shortest decimals that read back as the f32.
  return new Map(picks.map(({ title, score }) => [title, Math.fround(score)]));
}

test("a ranker's logits are those of a second implementation, bit for bit", () => {
  // A layer that lets one feature through tells what the features are.
  const probes = Array.from({ length: 8 }, (_, feature) =>
    logits([{ weights: Array.from({ length: 8 }, (_, row) => [row === feature ? 1 : 0]), biases: [] }]),
  );
  const got = logits(LAYERS);
  assert.equal(got.size, 100);
  for (const [title, logit] of got) {
    assert.equal(logit, logitOf(LAYERS, probes.map((probe) => probe.get(title) ?? NaN)), `title ${title}`);
  }
  assert.ok(new Set(got.values()).size > 50, "the logits say something");
});

test("a ranker that the browser cannot run is refused, wherever the file is cut", () => {
  const decode = (bytes: Uint8Array) => RankingModel.decode(eu, RULES, { ranker: bytes });
  assert.equal(decode(ranker).info.ranker, true);
  for (let length = 0; length < ranker.length; length += 1) {
    assert.throws(() => decode(ranker.slice(0, length)), FileRefusedError, `${length} bytes`);
  }
  refuses(FileRefusedError, "ranker-unsupported", () => decode(onnx(LAYERS, "Softmax")));
  refuses(FileRefusedError, "ranker-signature", () => decode(onnx([{ weights: [[1], [2]], biases: [] }])));
  refuses(FileRefusedError, "ranker-malformed", () => decode(new Uint8Array(64).fill(255)));
});

test("a rung is chosen with its reason, and a bad ladder refused", () => {
  const unknown = chooseRung({ ladder: LADDER, samples_kbps: [Number.NaN, -1, Number.POSITIVE_INFINITY] });
  assert.deepEqual(unknown, { rung: 0, id: "low", height: 360, kbps: 500, why: "unknown-speed" });
  const fast = chooseRung({ ladder: LADDER, policy: "throughput", samples_kbps: [20_000], buffer_ms: 20_000 });
  assert.equal(fast.id, "high");
  refuses(RequestRefusedError, "ladder-empty", () => chooseRung({ ladder: [] }));
  refuses(RequestRefusedError, "ladder-not-rising", () => chooseRung({ ladder: [...LADDER].reverse() }));
});

test("a session is scored, and goes on after it was saved", () => {
  const session = PlaybackSession.begin();
  session.report([
    { kind: "start", at_unix_ms: START, duration_ms: 60_000 },
    { kind: "first-frame", at_unix_ms: START + 800, kbps: 5_000 },
  ]);
  const restored = PlaybackSession.restore(session.save());
  const rest = [
    { kind: "heartbeat", at_unix_ms: START + 10_800, position_ms: 10_000, kbps: 5_000 },
    { kind: "stop", at_unix_ms: START + 60_800, position_ms: 60_000 },
  ] as const;
  const { summary, scores } = restored.report(rest);
  assert.deepEqual(session.report(rest), { summary, scores });
  assert.equal(summary.initial_startup_time_ms, 800);
  assert.equal(summary.ended, true);
  // 0.3 · (100 − 800 / 20) + 0.4 · 100 + 0.2 · 100 + 0.1 · 100, the seed's own figure.
  assert.equal(scores.session_v1, 88);
  assert.equal(scores.completion, 1);
  refuses(RequestRefusedError, "too-many-events", () => session.report(Array(4_097).fill(rest[0])));
});

test("the published types never mention generated code", async () => {
  const folder = join(WWW, "dist/frontrow");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".d.ts"));
  assert.ok(files.includes("index.d.ts"));
  for (const name of files) {
    assert.doesNotMatch(await readFile(join(folder, name), "utf8"), /^(import|export) .*generated/m, name);
  }
});
