import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ParseError } from 'jsonc-parser'

/**
 * Loads a file of the user's and returns its default export, or `module.exports`; `undefined` if there is none. It is
 * loaded afresh every time, for in watch mode it may have changed; what it imports is not.
 *
 * TypeScript goes through `jiti`, imported only then. It runs on every Node that Seedbed supports and reads what users
 * write there (enums, path-less imports); Node's own type stripping needs 22.18.
 *
 * @example await loadModule('/app/knexfile.ts')
 */
export async function loadModule(file: string): Promise<unknown> {
  if (extname(file) === '.json') return parseJson((await readFile(file, 'utf8')).replace(/^\ufeff/, ''))
  const exported = await loadExports(file)
  // an ES module, or what a compiler made a CommonJS module of
  const isModule =
    typeof exported === 'object' && exported !== null && (isNamespace(exported) || '__esModule' in exported)
  return isModule ? (exported as { default?: unknown }).default : exported
}

/**
 * Loads a module of the user's and returns all that it exports: an ES module's namespace, or `module.exports`.
 *
 * @example const { up } = (await loadExports('/app/migrations/001_users.js')) as { up: unknown }
 */
export async function loadExports(file: string): Promise<unknown> {
  if (['.ts', '.mts', '.cts'].includes(extname(file))) {
    const { createJiti } = await import('jiti')
    return createJiti(file, { moduleCache: false, interopDefault: false }).import(file)
  }
  // an ES module is cached by its URL, a CommonJS module by its path
  const { cache } = createRequire(file)
  delete cache[file]
  loads += 1
  const namespace: { default?: unknown } = await import(`${pathToFileURL(file).href}?load=${loads}`)
  return cache[file] ? namespace.default : namespace
}

let loads = 0

function isNamespace(exported: object): boolean {
  return Object.prototype.toString.call(exported) === '[object Module]'
}

async function parseJson(text: string): Promise<unknown> {
  const { parse, printParseErrorCode } = await import('jsonc-parser')
  const errors: ParseError[] = []
  const value: unknown = parse(text, errors)
  const [error] = errors
  if (!error) return value
  const line = text.slice(0, error.offset).split('\n').length
  throw new Error(`line ${line}: ${printParseErrorCode(error.error)}`)
}
