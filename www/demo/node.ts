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
  ladder: Rung[];
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

/** The node cannot be reached, or refused. */
export class NodeError extends Error {}

/** The candidate set of a region, with the generation and the rules it belongs to. */
export async function fetchCandidates(region: string): Promise<CandidateFile> {
  const response = await get(`v1/candidates/${encodeURIComponent(region)}`);
  const rules = JSON.parse(header(response, "frontrow-rules")) as RankingRules;
  const generation = Number(header(response, "frontrow-generation"));
  return { region, generation, rules, bytes: new Uint8Array(await response.arrayBuffer()) };
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

function get(path: string): Promise<Response> {
  return request(path, {});
}

async function request(path: string, options: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, options);
  } catch (cause) {
    throw new NodeError("the node does not answer", { cause });
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => undefined)) as { error?: { message?: string } } | undefined;
  throw new NodeError(`the node refuses ${path}: ${body?.error?.message ?? response.status}`);
}

function header(response: Response, name: string): string {
  const value = response.headers.get(name);
  if (value === null) throw new NodeError(`the node's answer has no header ${name}`);
  return value;
}
