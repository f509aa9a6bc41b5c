import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ParseError } from 'jsonc-parser'
import { importedFiles } from './imported-files.js'

/**
 * Loads a file of the user's and returns its default export, or `module.exports`; `undefined` if there is none. It is
 * loaded afresh every time, and so is what it imports: in watch mode both may have changed.
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
  const isTypeScript = ['.ts', '.mts', '.cts'].includes(extname(file))
  if (isTypeScript || (await changesOf(file)).imports) return loadTranspiled(file)
  // an ES module is cached by its URL, a CommonJS module by its path
  const { cache } = createRequire(file)
  delete cache[file]
  loads += 1
  const namespace: { default?: unknown } = await import(`${pathToFileURL(file).href}?load=${loads}`)
  return cache[file] ? namespace.default : namespace
}

/**
 * The same by way of `jiti`, for TypeScript, and for JavaScript that imports some.
 *
 * @example const { default: seed } = (await loadTranspiled('/app/seeds/users.js')) as { default: unknown }
 */
export async function loadTranspiled(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const jiti = createJiti(file, { moduleCache: false, interopDefault: false })
  const changes = await changesOf(file)
  if (changes.imports) return withoutNode(() => jiti(file) as unknown)
  if (!changes.itself) return jiti.import(file)
  return jiti.evalModule(await readFile(file, 'utf8'), { filename: file, async: true, forceTranspile: true })
}

/** What `jiti` loads at once it does not leave to Node, but then nothing in it can wait. */
function withoutNode(load: () => unknown): unknown {
  try {
    return load()
  } catch (error) {
    if (!(error as Error).message.startsWith('await is only valid')) throw error
    const reason = 'it awaits something outside of functions, and what it imports has changed: start the runner again'
    throw new Error(reason, { cause: error })
  }
}

/** When the first module was loaded. */
let since: number | undefined

/**
 * Whether Node may still hold an older one of a module, or of what it imports: it keeps ES modules for good. CommonJS modules it
 * forgets here.
 */
async function changesOf(file: string): Promise<{ itself: boolean; imports: boolean }> {
  if (since === undefined) {
    since = Date.now()
    return { itself: false, imports: false }
  }
  const imports = await importedFiles([file])
  const { cache } = createRequire(file)
  for (const each of [file, ...imports]) delete cache[each]
  const hasChanged = async (each: string) => (await stat(each)).ctimeMs > since!
  const changed = await Promise.all(imports.map(hasChanged))
  return { itself: await hasChanged(file), imports: changed.includes(true) }
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
