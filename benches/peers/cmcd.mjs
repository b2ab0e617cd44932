// CMCD as web players' own library reads it: `@svta/cml-cmcd`, one process, one thread.
//
// `node cmcd.mjs FOLDER [SECONDS]`, where FOLDER holds the library's `node_modules`: lines of version 2 on
// standard input, decoded over and over for SECONDS (2). Prints one JSON object:
// `{"lines", "line_bytes", "seconds", "decoded", "lines_per_second"}`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, seconds = '2'] = process.argv.slice(2)
const { decodeCmcd } = await import(
  pathToFileURL(join(folder, 'node_modules/@svta/cml-cmcd/dist/index.js'))
)

const lines = readFileSync(0, 'utf8').split('\n').filter(line => line.length > 0)

/** Decodes until the time is up; the keys are counted so that nothing can be left out. */
function decodeFor(milliseconds) {
  const start = performance.now()
  let decoded = 0
  let keys = 0
  for (;;) {
    for (const line of lines) keys += Object.keys(decodeCmcd(line)).length
    decoded += lines.length
    const passed = performance.now() - start
    if (passed >= milliseconds) return { decoded, keys, seconds: passed / 1000 }
  }
}

// What a long-running collector would see: compiled code.
decodeFor(1000)
const { decoded, keys, seconds: passed } = decodeFor(Number(seconds) * 1000)
if (keys === 0) throw new Error('the lines hold no key')
const bytes = lines.reduce((sum, line) => sum + line.length, 0)
console.log(
  JSON.stringify({
    lines: lines.length,
    line_bytes: Math.round(bytes / lines.length),
    seconds: passed,
    decoded,
    lines_per_second: decoded / passed,
  })
)
