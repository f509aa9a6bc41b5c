/**
 * `node scripts/pack.mjs <workspace> <destination>`: packs a published package as it goes to npm, and prints what
 * `npm pack --json` does. What is published is what this packs.
 *
 * In Vitest's default pool each test file is a process, which loads every module anew, and a module costs a millisecond. So
 * what is packed has as few files as can be; what is built stays a file for each source, for `tsc -b` to replace one by one.
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, isAbsolute, join, relative } from 'node:path'
import { rolldown } from 'rolldown'
import { npmCommand } from './npm.mjs'
import { root } from './workspaces.mjs'

/**
 * The files of `dist` that something imports, or starts as a process or thread. Those of one list share their modules: each
 * holds what it needs and the ones before it do not. Those of different lists have copies, but for entries themselves.
 * What is started as a process has a list of its own: loaded for something that it shares, it would begin to work.
 */
const entries = {
  'packages/core': [['worker/scopes', 'worker/index', 'index'], ['migrations/knex-process'], ['server/stop-process']],
  'packages/environments': [['errors/define-errors', 'index', 'errors/table', 'guard/index', 'register']],
  'packages/pg-sandbox': [['endpoint', 'index'], ['sandbox-thread'], ['sentinel']],
  'packages/pg-template-db': [['sequences', 'index']],
  'packages/vitest': [['runner'], ['index'], ['plugin'], ['global-setup']],
}

/** What is packed into another package too: each test file's process would load one file more. */
const inlined = { 'packages/core': ['pg-sandbox', 'pg-sandbox/endpoint', 'pg-template-db/sequences'] }

/**
 * Packed as CommonJS, which a process loads quicker than ES modules: a file is read and run in one go, and of Node's modules no ES
 * modules are made. Each entry is a file of names beside its code, of the kind that its package says it is.
 */
const commonjs = ['packages/core', 'packages/environments']

/**
 * What our sources import later, and what is required for it where they are packed: its code alone, which only packing makes. As an
 * ES module it takes each test file a millisecond more.
 */
const imported = 'import("@seedbed/core/scopes")'
const required = 'createRequireLater(import.meta.url)("@seedbed/core/scopes.cjs")'
const requireLater = {
  name: 'require-later',
  renderChunk(code) {
    if (!code.includes(imported)) return null
    return `import { createRequire as createRequireLater } from "node:module";\n${code.replaceAll(imported, required)}`
  },
}

const [workspace, destination] = process.argv.slice(2)
const staging = realpathSync(mkdtempSync(join(tmpdir(), 'seedbed-pack-')))
process.on('exit', () => rmSync(staging, { recursive: true, force: true }))

const source = join(root, workspace)
const isModule = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')).type === 'module'
const format = commonjs.includes(workspace) ? 'cjs' : 'esm'

cpSync(source, staging, {
  recursive: true,
  filter: path => !/[\\/](node_modules|src|test)$/.test(path) && !isStale(path),
})
if (entries[workspace]) {
  const dist = join(staging, 'dist')
  for (const file of readdirSync(dist, { recursive: true })) if (/\.js(\.map)?$/.test(file)) rmSync(join(dist, file))
  for (const list of entries[workspace]) await bundle(list, dist)
}
const [npm, parameters] = npmCommand(['pack', '--json', '--ignore-scripts', '--pack-destination', destination])
const { status } = spawnSync(npm, parameters, { cwd: staging, stdio: ['ignore', 'inherit', 'inherit'] })
process.exitCode = status ?? 1

/** In a checkout of some age `dist` also holds what was built of sources that are gone. */
function isStale(path) {
  const [, module] = /^dist[\\/](.+)\.(?:js|d\.ts)$/.exec(relative(source, path)) ?? []
  return module !== undefined && !existsSync(join(source, 'src', `${module}.ts`))
}

async function bundle(list, dist) {
  // CommonJS that was compiled hides its exports' names.
  const fileOf = entry => (isModule ? join(source, 'dist', `${entry}.js`) : join(source, 'src', `${entry}.ts`))
  const others = entries[workspace].flat().filter(entry => !list.includes(entry))
  const isOther = (id, importer) => others.some(entry => fileOf(entry) === join(dirname(importer), id))
  const isInlined = id => inlined[workspace]?.includes(id)
  const external = (id, importer, isResolved) =>
    !isResolved &&
    (id.startsWith('.') ? importer !== undefined && isOther(id, importer) : !isAbsolute(id) && !isInlined(id))
  const options = { platform: 'node', external, resolve: { extensionAlias: { '.js': ['.ts', '.js'] } } }

  const groups = []
  const taken = new Set()
  const names = {}
  for (const entry of list) {
    const alone = await loadedWith({ ...options, input: fileOf(entry) })
    names[entry] = alone.names
    const own = alone.modules.filter(id => !taken.has(id))
    for (const id of own) taken.add(id)
    if (list.length > 1)
      groups.push({ name: entry, test: id => own.includes(id), priority: list.length - groups.length })
  }
  const input = Object.fromEntries(list.map(entry => [entry, fileOf(entry)]))
  const build = await rolldown({
    ...options,
    input,
    plugins: [requireLater],
    preserveEntrySignatures: 'allow-extension',
    onLog,
  })
  const [entryFileNames, chunkFileNames] =
    format === 'cjs' ? [codeOf('[name]'), 'chunks/[name].cjs'] : ['[name].js', 'chunks/[name].js']
  const files = { dir: dist, entryFileNames, chunkFileNames, codeSplitting: { groups } }
  // The types have the comments; here they are a fifth of what each test file reads.
  await build.write({ ...files, format, strict: true, comments: false })
  if (format === 'cjs') for (const entry of list) writeNames(entry, names[entry], dist)
}

/** @param entry without an ending */
function codeOf(entry) {
  return `${entry}-code.cjs`
}

/** What is imported later, and by somebody at once, is loaded with everything: a run's start would wait for it. */
function onLog(level, log, otherwise) {
  otherwise(log.code === 'INEFFECTIVE_DYNAMIC_IMPORT' ? 'error' : level, log)
}

/** Whoever imports CommonJS searches the whole file for names of exports: here they are alone. */
function writeNames(entry, names, dist) {
  const code = `'./${basename(codeOf(entry))}'`
  const lines = isModule
    ? [`import { createRequire } from 'node:module'`, `const code = createRequire(import.meta.url)(${code})`]
    : [`'use strict'`, `const code = require(${code})`]
  if (isModule && names.length > 0) lines.push(`export const { ${names.join(', ')} } = code`)
  if (!isModule) lines.push(...names.map(name => `exports.${name} = code.${name}`))
  writeFileSync(join(dist, `${entry}.js`), `${lines.join('\n')}\n`)
}

/** The modules that are loaded together with a file, without those that it imports later; and the names of its exports. */
async function loadedWith(options) {
  const later = { name: 'later', resolveDynamicImport: id => ({ id, external: true }) }
  const build = await rolldown({ ...options, plugins: [later] })
  const { output } = await build.generate({ format: 'esm' })
  // A file without exports is taken for CommonJS, whose default export is the whole.
  const names = output[0].exports.filter(name => name !== 'default')
  return { modules: output.flatMap(({ moduleIds = [] }) => moduleIds), names }
}
