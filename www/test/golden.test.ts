/** The golden cases of `crates/golden`, answered in a real browser through the package, bit for bit. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import type { BitrateInput, HomeRequest, Pair, PlaybackEvent, RankingRules, RecommendRequest } from "frontrow";
import { startBrowser, type TestBrowser } from "./browser.ts";
import { servePage, type TestNode } from "./server.ts";

const WWW = fileURLToPath(new URL("..", import.meta.url));
const DATA = join(WWW, "../crates/golden/data");

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
  factors: number[];
  rules: RankingRules;
  slateRules: RankingRules;
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

async function json<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(DATA, name), "utf8")) as T;
}

/** Runs in the browser, and answers with the engine of one without vectors where the exam says so. */
async function sit(exam: Exam): Promise<unknown[]> {
  if (exam.plain) WebAssembly.validate = () => false;
  const frontrow = (await import(exam.package)) as typeof import("frontrow");
  await frontrow.loadFrontrow();
  const factors = Uint8Array.from(exam.factors);
  const model = frontrow.RankingModel.decode(Uint8Array.from(exam.candidates), exam.rules, { factors });
  const laidOut = frontrow.RankingModel.decode(Uint8Array.from(exam.candidates), exam.slateRules);
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

async function everyCase(plain: boolean): Promise<void> {
  const cases = await json<Case[]>("cases.json");
  const exam: Exam = {
    cases,
    candidates: [...(await readFile(join(DATA, "candidates.safetensors")))],
    factors: [...(await readFile(join(DATA, "factors.safetensors")))],
    rules: await json("rules.json"),
    slateRules: await json("slate.json"),
    package: `${node.url}frontrow/index.js`,
    plain,
  };
  const page = await browser.context.newPage();
  const engines: string[] = [];
  page.on("request", (request) => {
    const file = new URL(request.url()).pathname;
    if (file.endsWith(".wasm")) engines.push(file);
  });
  await page.goto(`${node.url}empty`);
  const answers = await page.evaluate(sit, exam);
  assert.deepEqual(engines, [`/frontrow/${plain ? "bindings_plain_bg" : "bindings_bg"}.wasm`]);
  assert.equal(answers.length, cases.length);
  assert.ok(cases.length >= 50);
  cases.forEach(({ name, expected }, index) => assert.deepStrictEqual(answers[index], expected, name));
}

test("every golden case gets its answer in the browser", () => everyCase(false));

test("a browser whose WebAssembly has no vectors loads the form without them, and gets the same answers", () => everyCase(true));

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
