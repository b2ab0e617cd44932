/** What the page asks of the node that served it. Everything but {@link askNode} is fetched once. */

import type { Pick, RankingRules, RecommendRequest, Rung, SpeedRule } from "frontrow";
import type { Title } from "./catalogue.ts";

/** A candidate set as the node serves it. */
export interface CandidateFile {
  region: string;
  generation: number;
  rules: RankingRules;
  bytes: Uint8Array;
}

/** `GET /v1/ladder`. */
export interface LadderAnswer {
  rungs: Rung[];
  /** Tables of speed to height: the regions' own, and the one for all others. */
  rules: { default: SpeedRule[]; regions: Record<string, SpeedRule[]> };
}

/** What `POST /v1/recommend` says. */
export interface NodeAnswer {
  generation: number;
  stale: boolean;
  cached: boolean;
  ranked: boolean;
  eligible: number;
  picks: (Pick & { name: string })[];
  timings_us: { queue: number; decide: number; total: number };
}

/** A model as the node serves it. */
export interface ModelFile {
  generation: number;
  bytes: Uint8Array;
}

/** The node cannot be reached, or refused; `code` is its own, `unreachable` without an answer. */
export class NodeError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What a release needs to rank, all of one generation. */
export interface ReleaseFiles {
  /** One a region, not empty. */
  candidates: CandidateFile[];
  ranker: ModelFile | undefined;
  tower: ModelFile | undefined;
}

/** The release switched while it was fetched; more often than this is not a coincidence. */
const ATTEMPTS_MAX = 3;

/** The candidate sets of those of the regions that the release has, and its models. */
export async function fetchRelease(regions: readonly string[]): Promise<ReleaseFiles> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const models = Promise.all([fetchModel("ranker"), fetchModel("tower")]);
    const [[ranker, tower], ...fetched] = await Promise.all([models, ...regions.map(fetchRegion)]);
    const candidates = fetched.filter((file) => file !== undefined);
    if (candidates.length === 0) throw new NodeError("region-unknown", `the node knows none of ${regions.join(", ")}`);
    const files = [...candidates, ranker, tower].filter((file) => file !== undefined);
    if (new Set(files.map(({ generation }) => generation)).size === 1) return { candidates, ranker, tower };
  }
  throw new NodeError("release-changing", "the node switches releases too often");
}

function fetchRegion(region: string): Promise<CandidateFile | undefined> {
  return unless("region-unknown", async () => {
    const response = await get(`v1/candidates/${encodeURIComponent(region)}`);
    const rules = JSON.parse(header(response, "x-frontrow-rules")) as RankingRules;
    const generation = Number(header(response, "x-frontrow-generation"));
    return { region, generation, rules, bytes: new Uint8Array(await response.arrayBuffer()) };
  });
}

/** An ONNX model of the release, if it has one. */
async function fetchModel(name: "ranker" | "tower"): Promise<ModelFile | undefined> {
  return unless(`no-${name}`, async () => {
    const response = await get(`v1/${name}`);
    const generation = Number(header(response, "x-frontrow-generation"));
    return { generation, bytes: new Uint8Array(await response.arrayBuffer()) };
  });
}

/** The titles of the release. */
export async function fetchTitles(): Promise<Title[]> {
  const { titles } = (await (await get("v1/titles")).json()) as { titles: Title[] };
  return titles;
}

/** The ladder and the tables of speed to height. */
export async function fetchLadder(): Promise<LadderAnswer> {
  return (await (await get("v1/ladder")).json()) as LadderAnswer;
}

/** The node's answer to a question; the page itself never needs it. */
export async function askNode(question: RecommendRequest & { region: string }): Promise<NodeAnswer> {
  const response = await request("v1/recommend", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(question),
  });
  return (await response.json()) as NodeAnswer;
}

/** Nothing where the node refuses with this code. */
async function unless<T>(code: string, fetched: () => Promise<T>): Promise<T | undefined> {
  try {
    return await fetched();
  } catch (error) {
    if (error instanceof NodeError && error.code === code) return undefined;
    throw error;
  }
}

interface Refusal {
  error: { code: string; message: string };
}

function get(path: string): Promise<Response> {
  return request(path, {});
}

async function request(path: string, options: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, options);
  } catch (cause) {
    throw new NodeError("unreachable", "the node does not answer", { cause });
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => undefined)) as Partial<Refusal> | undefined;
  const { code = "unknown", message = `status ${response.status}` } = body?.error ?? {};
  throw new NodeError(code, `the node refuses ${path}: ${message}`);
}

function header(response: Response, name: string): string {
  const value = response.headers.get(name);
  if (value === null) throw new NodeError("header-missing", `the node's answer has no header ${name}`);
  return value;
}
