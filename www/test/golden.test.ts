/** The golden cases of `crates/golden`, answered in a real browser through the package, bit for bit. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import type { BitrateInput, HomeRequest, Pair, PlaybackEvent, RankingModelParts, RankingRules, RecommendRequest } from "frontrow";
import { startBrowser, type TestBrowser } from "./browser.ts";
import { servePage, type TestNode } from "./server.ts";

const WWW = fileURLToPath(new URL("..", import.meta.url));
const DATA = join(WWW, "../crates/golden/data");
/** What `crates/golden/examples/models.rs` wrote; `cargo xtask test` names it. */
const MODELS = process.env["FRONTROW_GOLDEN_MODELS"];

interface Case {
  name: string;
  kind: "recommend" | "laid-out" | "home" | "predict" | "top-rated" | "bitrate" | "events";
  input: unknown;
  expected: unknown;
}

/** What the browser is handed: JSON, and files as lists of bytes. */
interface Exam {
  cases: Case[];
  candidates: number[];
  factors?: number[];
  ranker?: number[];
  tower?: number[];
  rules: RankingRules;
  slateRules: RankingRules;
}

interface Sitting extends Exam {
  package: string;
  plain: boolean;
}

let browser: TestBrowser;
let node: TestNode;

before(async () => {
  node = await servePage(join(WWW, "dist"));
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await node?.stop();
});

async function json<T>(name: string, folder = DATA): Promise<T> {
  return JSON.parse(await readFile(join(folder, name), "utf8")) as T;
}

async function bytes(name: string, folder = DATA): Promise<number[]> {
  return [...(await readFile(join(folder, name)))];
}

/** Runs in the browser, and answers with the engine of one without vectors where the exam says so. */
async function sit(exam: Sitting): Promise<unknown[]> {
  if (exam.plain) WebAssembly.validate = () => false;
  const frontrow = (await import(exam.package)) as typeof import("frontrow");
  await frontrow.loadFrontrow();
  const candidates = Uint8Array.from(exam.candidates);
  const parts: RankingModelParts = {};
  for (const part of ["factors", "ranker", "tower"] as const) {
    const file = exam[part];
    if (file) parts[part] = Uint8Array.from(file);
  }
  const model = frontrow.RankingModel.decode(candidates, exam.rules, parts);
  const laidOut = frontrow.RankingModel.decode(candidates, exam.slateRules, parts);
  const answer = ({ kind, input }: Case): unknown => {
    switch (kind) {
      case "recommend":
        return model.recommend(input as RecommendRequest);
      case "laid-out":
        return laidOut.recommend(input as RecommendRequest);
      case "home":
        return laidOut.home(input as HomeRequest);
      case "predict":
        return model.predict(input as Pair[]);
      case "top-rated": {
        const { viewer, n, exclude } = input as { viewer: number; n: number; exclude: number[] };
        return model.topRated(viewer, n, exclude);
      }
      case "bitrate":
        return frontrow.chooseRung(input as BitrateInput);
      case "events":
        return frontrow.PlaybackSession.begin().report(input as PlaybackEvent[]);
    }
  };
  return exam.cases.map((one) => {
    try {
      return answer(one);
    } catch (error) {
      if (error instanceof frontrow.FrontrowError) return { refused: error.code };
      throw error;
    }
  });
}

/** Every case of an exam gets its answer, by the engine with vectors or the one without. */
async function pass(exam: Exam, plain: boolean): Promise<void> {
  const page = await browser.context.newPage();
  const engines: string[] = [];
  page.on("request", (request) => {
    const file = new URL(request.url()).pathname;
    if (file.endsWith(".wasm")) engines.push(file);
  });
  await page.goto(`${node.url}empty`);
  const answers = await page.evaluate(sit, { ...exam, package: `${node.url}frontrow/index.js`, plain });
  assert.deepEqual(engines, [`/frontrow/${plain ? "bindings_plain_bg" : "bindings_bg"}.wasm`]);
  assert.equal(answers.length, exam.cases.length);
  assert.ok(exam.cases.length >= 50);
  exam.cases.forEach(({ name, expected }, index) => assert.deepStrictEqual(answers[index], expected, name));
}

async function golden(): Promise<Exam> {
  return {
    cases: await json("cases.json"),
    candidates: await bytes("candidates.safetensors"),
    factors: await bytes("factors.safetensors"),
    rules: await json("rules.json"),
    slateRules: await json("slate.json"),
  };
}

test("every golden case gets its answer in the browser", async () => pass(await golden(), false));

test("a browser whose WebAssembly has no vectors loads the form without them, and gets the same answers", async () =>
  pass(await golden(), true));

const skip = MODELS === undefined && "FRONTROW_GOLDEN_MODELS names no folder: run cargo xtask test";

for (const plain of [false, true]) {
  test(`a tower and a ranker of full size answer as the native code, ${plain ? "without" : "with"} vectors`, { skip }, async () => {
    const exam: Exam = {
      cases: await json("cases.json", MODELS),
      candidates: await bytes("candidates.safetensors", MODELS),
      ranker: await bytes("ranker.onnx", MODELS),
      tower: await bytes("tower.onnx", MODELS),
      rules: await json("rules.json", MODELS),
      slateRules: await json("slate.json", MODELS),
    };
    await pass(exam, plain);
  });
}

/** Runs in the browser. */
async function rank(exam: { candidates: number[]; ranker: number[]; rows: number[][]; rules: RankingRules; package: string }) {
  const frontrow = (await import(exam.package)) as typeof import("frontrow");
  await frontrow.loadFrontrow();
  const ranker = Uint8Array.from(exam.ranker);
  const model = frontrow.RankingModel.decode(Uint8Array.from(exam.candidates), exam.rules, { ranker });
  return [...model.logits(Float32Array.from(exam.rows.flat()))];
}

test("the ranker of the fixture gives onnxruntime's logits in the browser, within 1e-5 and in equal order", async () => {
  const fixture = join(WWW, "../crates/inference/tests/data");
  const read = async (name: string) => JSON.parse(await readFile(join(fixture, name), "utf8")) as unknown;
  const page = await browser.context.newPage();
  await page.goto(`${node.url}empty`);
  const logits = await page.evaluate(rank, {
    candidates: [...(await readFile(join(DATA, "candidates.safetensors")))],
    ranker: [...(await readFile(join(fixture, "ranker-mlp.onnx")))],
    rows: (await read("features.json")) as number[][],
    rules: await json<RankingRules>("rules.json"),
    package: `${node.url}frontrow/index.js`,
  });
  const expected = (await read("logits.json")) as number[];
  assert.equal(logits.length, expected.length);
  const order = (list: readonly number[]) => list.map((_, index) => index).sort((a, b) => (list[b] ?? 0) - (list[a] ?? 0));
  expected.forEach((logit, index) => {
    assert.ok(Math.abs((logits[index] ?? NaN) - logit) <= 1e-5 * Math.max(1, Math.abs(logit)), `row ${index}`);
  });
  assert.deepEqual(order(logits), order(expected));
});
