// Answers questions about CMCD and CMSD with the libraries that web players use.
//
// A question a line on standard input: `{kind, version, mode, data, line}`, where `line` is what the asker wrote
// from `data`. An answer a line: `{line, ours, theirs}`: what the library writes from the data, and what it reads
// in the asker's line and in its own.
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = process.argv[2]
const load = name => import(pathToFileURL(join(folder, 'node_modules/@svta', name, 'dist/index.js')))
const { decodeCmcd, encodeCmcd } = await load('cml-cmcd')
const { decodeCmsdDynamic, decodeCmsdStatic, encodeCmsdDynamic, encodeCmsdStatic } = await load('cml-cmsd')
const { SfItem, SfToken } = await load('cml-structured-field-values')

const isCustom = key => key.includes('-')

/** The library's form of a value. */
function toLibrary(key, value) {
  if (isCustom(key)) return value?.token ? new SfToken(value.token) : value
  if (!Array.isArray(value)) return value
  return value.map(item => {
    if (!Array.isArray(item)) return item
    const [inner, about] = item
    if (about === null) return inner
    return new SfItem(inner, key === 'nor' ? { r: about } : { [about]: true })
  })
}

/** The form that both sides are compared in. */
function fromLibrary(key, value, version) {
  if (value instanceof SfToken) return isCustom(key) ? { token: value.description } : value.description
  if (!Array.isArray(value)) return key === 'nor' && version === 1 ? decodeURIComponent(value) : value
  return value.map(item => {
    if (key === 'ec') return item
    if (!(item instanceof SfItem)) return [item, null]
    const [name, inner] = Object.entries(item.params)[0]
    return [item.value, key === 'nor' ? inner : name]
  })
}

function each(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(key, value)]))
}

function cmcd({ version, mode, data, line }) {
  const object = each(data, toLibrary)
  const written = encodeCmcd(object, { version, reportingMode: mode })
  const read = text => each(decodeCmcd(text, { useSymbol: false }), (key, value) => fromLibrary(key, value, version))
  return { line: written, ours: read(line), theirs: read(written) }
}

function fixed({ data, line }) {
  const written = encodeCmsdStatic(data)
  return { line: written, ours: decodeCmsdStatic(line), theirs: decodeCmsdStatic(written) }
}

function dynamic({ data, line }) {
  const written = encodeCmsdDynamic(data.map(([name, parameters]) => new SfItem(name, parameters)))
  const read = text => decodeCmsdDynamic(text).map(item => [item.value, item.params ?? {}])
  return { line: written, ours: read(line), theirs: read(written) }
}

const answers = { cmcd, static: fixed, dynamic }
let waiting = []
for await (const text of createInterface({ input: process.stdin })) {
  const question = JSON.parse(text)
  waiting.push(JSON.stringify(answers[question.kind](question)))
  if (waiting.length < 1000) continue
  const block = waiting.join('\n') + '\n'
  waiting = []
  if (!process.stdout.write(block)) await new Promise(resolve => process.stdout.once('drain', resolve))
}
if (waiting.length > 0) process.stdout.write(waiting.join('\n') + '\n')
