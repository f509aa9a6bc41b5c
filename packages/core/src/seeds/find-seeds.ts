import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, extname, join, relative, resolve, sep } from 'node:path'
import type { SeedbedConfig } from '../config/config.js'
import { importedFiles } from '../config/imported-files.js'
import { naturalOrder } from '../migrations/natural-order.js'
import { seedErrors } from './errors.js'

/** Which files are loaded, and what of them decides whether a template is still good. */
export interface SeedPlan {
  /** For one line of output: `seeds/ (3 files)`, or `seeds/ (3 files; users.csv passed over)`. */
  description: string
  /** Absolute paths, in the order of loading. */
  files: string[]
  /**
   * `seeds/users.json` → SHA-256 of its content. Files that a seed in code imports, or names in a string that begins
   * with `./` or `../`, count as well, and what they import in turn; packages and names that are put together do not.
   */
  fingerprint: Record<string, string>
  /** Files and folders, absolute, whose change may change the plan: what watch mode watches. */
  watched: string[]
}

/**
 * Finds the seeds: the files and folders of `config.seeds` as they stand there, or else `seeds/` where it exists. A
 * folder's own `.json`, `.sql`, `.ts` and `.js` files count, in natural order (`2.json` before `10.json`); not those in
 * folders below, names that begin with a dot, and `.d.ts`.
 *
 * @param by in whose name an error speaks
 * @throws SEEDS_NOT_FOUND for a path that does not exist or holds no seed, SEED_UNKNOWN_KIND for a file of another kind
 * @example await findSeeds('/app', {}) // { description: 'seeds/ (3 files)', … }
 */
export async function findSeeds(
  projectFolder: string,
  { seeds }: Pick<SeedbedConfig, 'seeds'>,
  by: 'seeds' | 'loadSeed' = 'seeds',
): Promise<SeedPlan> {
  const folder = resolve(projectFolder)
  const named = seeds === undefined ? [] : [seeds].flat()
  const entries = seeds === undefined ? ['seeds'] : named
  const shown: string[] = []
  const files = new Set<string>()
  const others = new Set<string>()
  for (const entry of entries) {
    const path = resolve(folder, entry)
    // Only a default may be missing, and is watched all the same.
    if (seeds === undefined && !(await isFolder(path))) continue
    const notFound = (problem: string) => seedErrors.SEEDS_NOT_FOUND({ path: shownPath(folder, path), problem, by })
    const found = await filesOf(path, shownPath(folder, path))
    if (!found) throw notFound('does not exist')
    if (found.files.length === 0 && named.length > 0) {
      throw notFound('holds no .json, .sql, .ts or .js file')
    }
    for (const file of found.files) files.add(file)
    for (const file of found.others) others.add(file)
    shown.push((await isFolder(path)) ? `${shownPath(folder, path)}/` : shownPath(folder, path))
  }
  const imported = await importedFiles([...files].filter(isCode))
  const fingerprint = await fingerprintOf(folder, { files: [...files], imported, severalEntries: entries.length > 1 })
  // What a seed in code reads is in there.
  const passedOver = [...others].filter(file => !(shownPath(folder, file) in fingerprint)).map(file => basename(file))
  const counted = `${files.size} ${files.size === 1 ? 'file' : 'files'}`
  const noted = passedOver.length === 0 ? '' : `; ${passedOver.join(', ')} passed over`
  return {
    description: shown.length === 0 ? 'no seeds' : `${shown.join(', ')} (${counted}${noted})`,
    files: [...files],
    watched: [...entries.map(entry => resolve(folder, entry)), ...imported],
    fingerprint,
  }
}

/** A path for people and fingerprints: from the project's folder, with slashes on every system. */
export function shownPath(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/') || '.'
}

/** `seeds/users.JSON` → `.json` */
export const kindOf = (path: string): string => extname(path).toLowerCase()

const kinds = new Set(['.json', '.sql', '.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'])

/** `others` may hold rows that somebody takes for a seed, which `.md` and `.d.ts` do not. */
async function filesOf(path: string, shown: string): Promise<{ files: string[]; others: string[] } | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (!found) return undefined
  if (!found.isDirectory()) {
    if (!isSeedFile(path)) throw seedErrors.SEED_UNKNOWN_KIND({ file: shown })
    return { files: [path], others: [] }
  }
  const paths = (await readdir(path, { withFileTypes: true }))
    .filter(entry => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map(entry => entry.name)
    .sort(naturalOrder)
    .map(name => join(path, name))
  return {
    files: paths.filter(isSeedFile),
    others: paths.filter(name => !isSeedFile(name) && !/\.(md|d\.[cm]?ts)$/i.test(name)),
  }
}

function isSeedFile(path: string): boolean {
  return kinds.has(kindOf(path)) && !/\.d\.[cm]?ts$/.test(path)
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
}

const isCode = (file: string) => /\.[cm]?[jt]s$/.test(kindOf(file))

async function fingerprintOf(
  folder: string,
  { files, imported, severalEntries }: { files: readonly string[]; imported: string[]; severalEntries: boolean },
): Promise<Record<string, string>> {
  const all = [...new Set([...files, ...imported])]
  const hashes = await Promise.all(
    all.map(async file =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ),
  )
  const parts = Object.fromEntries(all.map((file, index) => [shownPath(folder, file), hashes[index]!]))
  if (!severalEntries) return parts
  // Names decide the order within a folder; across several entries of the config nothing else would show a change of it.
  const order = files.map(file => shownPath(folder, file)).join('\n')
  return { ...parts, 'order of seeds': createHash('sha256').update(order).digest('hex') }
}
