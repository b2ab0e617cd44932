/** A node for the page's test: serves the built page and a fixture, and answers with the same engine. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import type { AddressInfo } from "node:net";
import { FrontrowError, RankingModel, type RecommendRequest } from "frontrow";
import type { Fixture } from "./catalogue.ts";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};
const GENERATION = 7;
const RULES = { recency_tau: 4, history_window: 30, ranker_pool: 60 };
const LADDER = {
  rungs: [
    { id: "240p", height: 240, kbps: 300 },
    { id: "360p", height: 360, kbps: 700 },
    { id: "480p", height: 480, kbps: 1_400 },
    { id: "720p", height: 720, kbps: 2_800 },
    { id: "1080p", height: 1_080, kbps: 5_000 },
    { id: "2160p", height: 2_160, kbps: 14_000 },
  ],
  rules: {
    default: [
      { mbps_min: 0, height: 480 },
      { mbps_min: 5, height: 720 },
      { mbps_min: 10, height: 1_080 },
      { mbps_min: 25, height: 2_160 },
    ],
    regions: {},
  },
};

/** A running server. */
export interface TestNode {
  url: string;
  stop(): Promise<void>;
}

/** Serves the fixture and the built page on a free port of this machine; the engine must be loaded. */
export async function startNode(root: string, { titles, candidates, ranker }: Fixture): Promise<TestNode> {
  const models = new Map([...candidates].map(([region, bytes]) => [region, RankingModel.decode(bytes, RULES, { ranker })]));
  const names = new Map(titles.map(({ id, name }) => [id, name]));

  function recommend({ region, ...question }: Question): unknown {
    const picks = models.get(region)?.recommend(question);
    const named = picks?.picks.map((pick) => ({ ...pick, name: names.get(pick.title) }));
    const timings_us = { queue: 1, decide: 60, total: 90 };
    return { generation: GENERATION, stale: false, cached: false, ...picks, picks: named, timings_us };
  }

  return listen(async (pathname, request, response) => {
    response.setHeader("x-frontrow-generation", GENERATION);
    const region = /^\/v1\/candidates\/(\w+)$/.exec(pathname)?.[1];
    const set = region === undefined ? undefined : candidates.get(region);
    if (set !== undefined) {
      response.setHeader("x-frontrow-rules", JSON.stringify(RULES));
      response.end(set);
    } else if (pathname === "/v1/ranker") response.end(ranker);
    else if (pathname === "/v1/tower") refuse(response);
    else if (pathname === "/v1/titles") json(response, { schema: "frontrow-titles-1", titles });
    else if (pathname === "/v1/ladder") json(response, LADDER);
    else if (pathname === "/v1/recommend") json(response, recommend(JSON.parse(await body(request)) as Question));
    else await file(root, pathname, response);
  });
}

/** Serves the built page alone, and an empty document at `/empty`. */
export function servePage(root: string): Promise<TestNode> {
  return listen(async (pathname, _, response) => {
    if (pathname === "/empty") response.setHeader("content-type", "text/html").end("<!doctype html>");
    else await file(root, pathname, response);
  });
}

type Handler = (pathname: string, request: IncomingMessage, response: ServerResponse) => Promise<void>;

async function listen(handler: Handler): Promise<TestNode> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://node");
    handler(pathname, request, response).catch((error: unknown) => refuse(response, error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, stop: () => stop(server) };
}

type Question = RecommendRequest & { region: string };

async function file(root: string, pathname: string, response: ServerResponse): Promise<void> {
  const name = pathname === "/" ? "index.html" : normalize(pathname).replace(/^(\.\.[/\\])+/, "");
  const bytes = await readFile(join(root, name)).catch(() => undefined);
  if (bytes === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.setHeader("content-type", TYPES[extname(name)] ?? "application/octet-stream");
  response.end(bytes);
}

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(value));
}

function refuse(response: ServerResponse, error: unknown): void {
  const code = error instanceof FrontrowError ? error.code : "internal";
  response.writeHead(400, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { code, message: String(error) } }));
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** The release of the tests has no tower. */
function refuse(response: ServerResponse): void {
  response.statusCode = 404;
  json(response, { error: { code: "no-tower", message: "this release has no tower" } });
}
