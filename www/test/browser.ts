/** Debian's Chromium, without a window, a profile or anything that calls home. */

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext } from "playwright-core";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** A browser with an empty profile of its own. */
export interface TestBrowser {
  context: BrowserContext;
  close(): Promise<void>;
}

/** Starts a browser; `FRONTROW_CHROMIUM` names another one. */
export async function startBrowser(): Promise<TestBrowser> {
  const executablePath = process.env["FRONTROW_CHROMIUM"] ?? PLACES.find((place) => existsSync(place));
  if (executablePath === undefined) throw new Error("no Chromium: apt-get install chromium");
  const profile = await mkdtemp(join(tmpdir(), "frontrow-browser-"));
  const viewport = { width: 1440, height: 900 };
  const context = await chromium.launchPersistentContext(profile, { executablePath, args: FLAGS, headless: true, viewport });
  const close = async (): Promise<void> => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { context, close };
}
