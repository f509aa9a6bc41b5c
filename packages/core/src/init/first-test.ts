import type { FileChange } from './file-change.js'
import type { RunnerName } from './find-runners.js'
import type { Project } from './read-project.js'

export interface FirstTest {
  path: string
  /** Null where a test of the project uses Seedbed already. */
  file: FileChange | null
}

/**
 * The test that shows that all is in place: one of the project's that imports Seedbed, or a new one beside those that it has, written as
 * they are.
 *
 * @param others paths that are given away already
 */
export function firstTest(project: Project, runner: RunnerName, hasTables: boolean, others: string[]): FirstTest {
  const tests = project.files.filter(file => isTest.test(file)).map(path => ({ path, text: project.read(path) ?? '' }))
  const ours = tests.find(({ text }) => new RegExp(`['"]@seedbed/${runner}['"]`).test(text))
  if (ours) return { path: ours.path, file: null }
  const model = tests
    .filter(({ path, text }) => isOf(runner, path, text, project))
    .toSorted((a, b) => depth(a.path) - depth(b.path) || (a.path < b.path ? -1 : 1))[0]
  const path = freePath(project, placeOf(project, runner, model?.path), runner, others)
  const after = runner === 'vitest' ? vitestTest(hasTables) : jestTest(project, path, hasTables, model?.text)
  return { path, file: { path, before: null, after } }
}

const isTest = /(\.(test|spec)|(^|\/)__tests__\/[^/]*)\.[mc]?[jt]sx?$/

function isOf(runner: RunnerName, path: string, text: string, { dependencies }: Project): boolean {
  if (/playwright|cypress/.test(text) || /(^|\/)(e2e|cypress)\//.test(path)) return false
  if (!dependencies.has('vitest') || !dependencies.has('jest')) return true
  return (runner === 'vitest') === /['"]vitest['"]/.test(text)
}

const depth = (path: string) => path.split('/').length

/** Where the runner looks for tests, as an existing one shows; else where both look by themselves. */
function placeOf(
  { isTypeScript, compilesAll, dependencies, files }: Project,
  runner: RunnerName,
  model: string | undefined,
) {
  if (model !== undefined) {
    const [, folder, suffix = '.test', ending] = /^(.*\/)?[^/]*?(\.test|\.spec)?(\.[mc]?[jt]s)x?$/.exec(model)!
    return { folder: folder ?? '', suffix, ending: ending! }
  }
  const transforms = ['ts-jest', '@swc/jest', '@babel/preset-typescript', 'esbuild-jest']
  const isTyped = isTypeScript && (runner === 'vitest' || transforms.some(name => dependencies.has(name)))
  const isAmongSources = isTyped && compilesAll && files.some(file => file.startsWith('src/'))
  return { folder: isAmongSources ? 'src/' : 'test/', suffix: '.test', ending: isTyped ? '.ts' : '.js' }
}

function freePath(
  { read }: Project,
  { folder, suffix, ending }: ReturnType<typeof placeOf>,
  runner: RunnerName,
  others: string[],
): string {
  for (let count = 1; ; count += 1) {
    const name = ['database', `database-${runner}`][count - 1] ?? `database-${count}`
    const path = `${folder}${name}${suffix}${ending}`
    if (read(path) === undefined && !others.includes(path)) return path
  }
}

/** It fails where the migrations have made nothing. */
const tables = `const { rows } = await db.query(
    "select tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
  )
  expect(rows).not.toEqual([])`
const anything = `const { rows } = await db.query('select 1 + 1 as two')
  expect(rows).toEqual([{ two: 2 }])`

const title = (hasTables: boolean) => (hasTables ? 'starts on the migrated database' : 'starts on a database')

function vitestTest(hasTables: boolean): string {
  return `import { test } from '@seedbed/vitest'
import { expect } from 'vitest'

test('${title(hasTables)}', async ({ db }) => {
  ${hasTables ? tables : anything}
})
`
}

function jestTest(project: Project, path: string, hasTables: boolean, model = ''): string {
  const isTyped = /\.[mc]?ts$/.test(path)
  const names = /['"]@jest\/globals['"]/.test(model) || (isTyped && !project.dependencies.has('@types/jest'))
  const bring = isTyped || importsIn(project, path, model) ? byImport : byRequire
  const lines = [...(names ? [bring('expect, test', '@jest/globals')] : []), bring('db', '@seedbed/jest')]
  return `${lines.join('\n')}

test('${title(hasTables)}', async () => {
  ${hasTables ? tables : anything}
})
`
}

const byImport = (names: string, from: string) => `import { ${names} } from '${from}'`
const byRequire = (names: string, from: string) => `const { ${names} } = require('${from}')`

/** Jest takes ES modules only as the project has told it to: by Node's flag or by Babel. */
function importsIn(project: Project, path: string, model: string): boolean {
  if (/^import\s/m.test(model)) return true
  if (/\brequire\(/.test(model)) return false
  const isModule = path.endsWith('.mjs') || (project.isModule && !path.endsWith('.cjs'))
  const hasBabel = project.files.some(file => /^(babel\.config\..*|\.babelrc.*)$/.test(file))
  return hasBabel || (isModule && usesModuleFlag(project))
}

/** Whether the project runs Jest with `--experimental-vm-modules`, without which it knows no ES modules. */
export function usesModuleFlag({ manifest: { scripts = {} } }: Project): boolean {
  return Object.values(scripts).some(command => command.includes('--experimental-vm-modules'))
}
