/** The page as a visitor uses it, in a real browser, with simulated time only. */

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, afterEach, before, beforeEach } from "node:test";
import { fileURLToPath } from "node:url";
import { loadFrontrow } from "frontrow";
import type { Page } from "playwright-core";
import { startBrowser, type TestBrowser } from "./browser.ts";
import { fixture } from "./catalogue.ts";
import { startNode, type TestNode } from "./server.ts";

const WWW = fileURLToPath(new URL("..", import.meta.url));
const SCREENSHOTS = join(WWW, "../target/www");
const FIRST_ROW = "#rows .shelf:first-child";

let browser: TestBrowser;
let node: TestNode;
let page: Page;
const troubles: string[] = [];

before(async () => {
  await mkdir(SCREENSHOTS, { recursive: true });
  node = await startOrFindNode();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await node?.stop();
});

beforeEach(async () => {
  page = await browser.context.newPage();
  page.on("pageerror", (error) => troubles.push(error.message));
  await open();
});

afterEach(async () => {
  await page.close();
  assert.deepEqual(troubles.splice(0), []);
});

/** The node of the environment, or one of our own. */
async function startOrFindNode(): Promise<TestNode> {
  const url = process.env["FRONTROW_NODE_URL"];
  if (url !== undefined) return { url: url.endsWith("/") ? url : `${url}/`, stop: () => Promise.resolve() };
  await loadFrontrow(await readFile(join(WWW, "generated/bindings_bg.wasm")));
  return startNode(join(WWW, "dist"), fixture());
}

async function open(): Promise<void> {
  await page.goto(node.url);
  await page.waitForSelector("html[data-ready]");
}

/** The titles of a row, best first. */
function titles(row: string): Promise<string[]> {
  return page.locator(`${row} .card`).evaluateAll((cards) => cards.map((card) => card.getAttribute("data-title") ?? ""));
}

async function watch(index: number): Promise<string> {
  const button = page.locator(`${FIRST_ROW} [data-see]`).nth(index);
  const title = (await button.getAttribute("data-see")) ?? "";
  await button.click();
  return title;
}

function text(selector: string): Promise<string> {
  return page.locator(selector).first().innerText();
}

test("a new visitor sees what the region watches, and why", async () => {
  assert.match(await text(`${FIRST_ROW} h2`), /^Popular in Europe$/);
  assert.ok((await titles(FIRST_ROW)).length >= 10);
  assert.equal(await text(`${FIRST_ROW} .card-reason`), "Popular here");
});

test("the rows below are what trends, what is new and genres, and no title stands twice", async () => {
  const headings = await page.locator("#rows h2").allInnerTexts();
  assert.deepEqual(headings.slice(1, 3), ["Trending in Europe", "New in Europe"]);
  assert.ok(headings.length > 3, headings.join("; "));
  await watch(0);
  const shown = await titles("#rows");
  assert.equal(new Set(shown).size, shown.length);
});

test("a title seen changes the rows, which then say because of which title", async () => {
  const before = await titles(FIRST_ROW);
  const seen = [await watch(1), await watch(0)];
  const after = await titles(FIRST_ROW);
  assert.equal(await text(`${FIRST_ROW} h2`), "Top picks for you");
  assert.notDeepEqual(after, before);
  const names = await page.locator("#chips .chip").allInnerTexts();
  const reasons = await page.locator(`${FIRST_ROW} .card-reason`).allInnerTexts();
  assert.ok(names.some((name) => reasons.includes(`Because you watched ${name}`)), reasons.join("; "));
  assert.ok((await page.locator('[data-row^="because-"]').count()) > 0);
  for (const title of seen) assert.ok(!(await titles("#rows")).includes(title), `${title} is shown again`);
});

test("what is forgotten counts no more", async () => {
  const before = await titles(FIRST_ROW);
  await watch(0);
  await page.locator("#chips .chip").first().click();
  assert.deepEqual(await titles(FIRST_ROW), before);
});

test("another region and another age rating are other answers", async () => {
  const before = await titles(FIRST_ROW);
  await page.locator("#regions label").nth(1).click();
  assert.equal(await text(`${FIRST_ROW} h2`), "Popular in the US");
  const inTheUs = await titles(FIRST_ROW);
  assert.notDeepEqual(inTheUs, before);
  if (process.env["FRONTROW_NODE_URL"] !== undefined) return;
  await page.selectOption("#maturity", "6");
  assert.notDeepEqual(await titles(FIRST_ROW), inTheUs);
});

test("a title is found by a part of its name, with the keyboard alone", async () => {
  const name = await text(`${FIRST_ROW} .card:nth-child(3) .card-name`);
  await page.locator("#finder").focus();
  await page.keyboard.type(name.slice(0, -1));
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#chips .chip").count(), 1);
});

test("a poster answers to the keyboard, which stays in the row", async () => {
  await page.locator(`${FIRST_ROW} [data-see]`).nth(2).focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#chips .chip").count(), 1);
  const place = await page.evaluate(() => document.activeElement?.closest("#rows") !== null);
  assert.ok(place, "the focus left the rows");
});

test("a playback over a bad network ends, with its stalls drawn and its scores shown", async () => {
  await page.locator("#networks label", { hasText: "Drop" }).click();
  await page.locator("#policies label", { hasText: "Region" }).click();
  // A quarter of it is below the lowest rung of any ladder worth the name.
  await page.locator("#speed").press("Home");
  await page.locator("#to-end").click();
  assert.equal(await page.locator("#screen").getAttribute("data-phase"), "ended");
  const score = Number(await text('[data-score="session-v1"] .score-figure'));
  assert.ok(score > 0 && score <= 100, `session-v1 is ${score}`);
  assert.match((await page.locator(".plot .rung").getAttribute("d")) ?? "", /^M.+V/);
  assert.match((await page.locator(".plot .buffer-line").getAttribute("d")) ?? "", /^M.+L/);
  assert.ok((await page.locator(".plot .stalls rect").count()) > 0);
  assert.equal(await page.locator("#rivals tbody tr").count(), 3);
});

test("the scores change while it plays", async () => {
  await page.locator("#play").click();
  await page.waitForFunction(() => document.querySelector("#screen-time")?.textContent?.startsWith("0:00") === false);
  await page.locator("#play").click();
  assert.match(await text("#screen-badge"), /Mbit\/s/);
  assert.notEqual(await text('[data-score="session-v1"] .score-figure'), "–");
});

test("the node gives the same answer, bit for bit", async () => {
  await watch(0);
  await watch(2);
  await page.locator("#compare").click();
  await page.waitForSelector("#verdict[data-verdict]");
  assert.match(await text("#verdict"), /^Identical: 20 ids/);
});

test("goes on without the node", async () => {
  await browser.context.setOffline(true);
  try {
    const before = await titles(FIRST_ROW);
    await watch(0);
    assert.notDeepEqual(await titles(FIRST_ROW), before);
    await page.locator("#regions label").nth(1).click();
    await page.locator("#to-end").click();
    assert.equal(await page.locator("#screen").getAttribute("data-phase"), "ended");
    await page.locator("#compare").click();
    await page.waitForSelector("#verdict[data-verdict=away]");
  } finally {
    await browser.context.setOffline(false);
  }
});

test("is a picture on a desk and on a phone", async () => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const [name, width, height] of [["screenshot", 1440, 900], ["screenshot-phone", 390, 844]] as const) {
    await page.setViewportSize({ width, height });
    await open();
    await page.evaluate(() => document.fonts.ready);
    await watch(1);
    await watch(3);
    await page.locator("#to-end").click();
    await page.locator("#compare").click();
    await page.waitForSelector("#verdict[data-verdict]");
    const surplus = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.equal(surplus, 0, `${surplus} pixels too wide at ${width}`);
    // The bar sticks to the top of what is in view.
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  }
});
