// Bundles the package, the page and, with `--tests`, the tests. Types are tsc's business.

import { build } from "esbuild";
import { cp, mkdir, rm } from "node:fs/promises";

const FONTS = {
  "instrument-sans.woff2":
    "@fontsource-variable/instrument-sans/files/instrument-sans-latin-standard-normal.woff2",
  "instrument-serif.woff2": "@fontsource/instrument-serif/files/instrument-serif-latin-400-normal.woff2",
  "instrument-serif-italic.woff2":
    "@fontsource/instrument-serif/files/instrument-serif-latin-400-italic.woff2",
  "LICENSE-instrument-sans.txt": "@fontsource-variable/instrument-sans/LICENSE",
  "LICENSE-instrument-serif.txt": "@fontsource/instrument-serif/LICENSE",
};

/** The page uses the package as any other site would: one file beside it, loaded once. */
const packageBeside = {
  name: "package-beside",
  setup(esbuild) {
    esbuild.onResolve({ filter: /^frontrow$/ }, () => ({ path: "./frontrow/index.js", external: true }));
  },
};

const browser = { bundle: true, format: "esm", target: "es2022", sourcemap: true, logLevel: "warning" };

if (process.argv.includes("--tests")) {
  await rm("dist-test", { recursive: true, force: true });
  await build({
    entryPoints: ["test/*.test.ts"],
    outdir: "dist-test",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node18",
    alias: { frontrow: "./src/index.ts" },
    sourcemap: "inline",
    logLevel: "warning",
  });
} else {
  await mkdir("dist/fonts", { recursive: true });
  await build({ ...browser, entryPoints: ["src/index.ts"], outfile: "dist/frontrow/index.js", minify: true });
  for (const wasm of ["bindings_bg.wasm", "bindings_plain_bg.wasm"]) {
    await cp(`generated/${wasm}`, `dist/frontrow/${wasm}`);
  }
  await build({
    ...browser,
    entryPoints: ["demo/page.ts", "demo/page.css"],
    outdir: "dist",
    minify: true,
    plugins: [packageBeside],
    external: ["./fonts/*"],
  });
  await cp("demo/index.html", "dist/index.html");
  for (const [name, source] of Object.entries(FONTS)) {
    await cp(`node_modules/${source}`, `dist/fonts/${name}`);
  }
}
