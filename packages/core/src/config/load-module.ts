import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse, printParseErrorCode, type ParseError } from 'jsonc-parser'

/**
 * Loads a file of the user's and returns its default export, or `module.exports`; `undefined` if there is none. A file
 * that has changed since it was last loaded is loaded again, in watch mode for instance; what it imports is not.
 *
 * TypeScript goes through `jiti`, imported only then. It runs on every Node that Seedbed supports and reads what users
 * write there (enums, path-less imports); Node's own type stripping needs 22.18.
 *
 * @example await loadModule('/app/knexfile.ts')
 */
export async function loadModule(file: string): Promise<unknown> {
  const ending = extname(file)
  if (ending === '.json') return parseJson(await readFile(file, 'utf8'))
  if (['.ts', '.mts', '.cts'].includes(ending)) return loadTypeScript(file)
  const source = await readFile(file, 'utf8')
  const version = createHash('sha256').update(source).digest('hex').slice(0, 16)
  // an ES module is cached by its URL, a CommonJS module by its path
  delete createRequire(file).cache[file]
  const module: { default?: unknown } = await import(`${pathToFileURL(file).href}?${version}`)
  return unwrap(module.default)
}

/** What a compiler made a CommonJS module of has its default inside the exports. */
function unwrap(exported: unknown): unknown {
  const compiled = typeof exported === 'object' && exported !== null && '__esModule' in exported
  return compiled ? (exported as { default?: unknown }).default : exported
}

async function loadTypeScript(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  return unwrap(await createJiti(file, { moduleCache: false, interopDefault: false }).import(file))
}

function parseJson(text: string): unknown {
  const errors: ParseError[] = []
  const value: unknown = parse(text, errors)
  const [error] = errors
  if (!error) return value
  const line = text.slice(0, error.offset).split('\n').length
  throw new Error(`line ${line}: ${printParseErrorCode(error.error)}`)
}
