import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { readDrizzleConfig } from './drizzle-config.js'
import { migrationErrors } from './errors.js'
import { nameIn } from './project-files.js'

/** Where the migrations are, and whose. `unknown`: something is there that has to be explained by the user. */
export type FoundMigrations =
  | { kind: 'sql-folder'; path: string; names: string[] }
  | { kind: 'schema' | 'knex' | 'prisma'; path: string }
  | { kind: 'drizzle'; path: string; config?: string }
  | { kind: 'unknown'; path: string; problem: string }

type Known = Exclude<FoundMigrations, { kind: 'unknown' }>

/**
 * What a path of the config means: a folder of .sql files, a schema.sql, a knexfile, a prisma or drizzle folder, a
 * drizzle.config or a schema.prisma. Throws MIGRATIONS_NOT_FOUND and MIGRATIONS_UNKNOWN.
 *
 * @example await recogniseMigrations('/app', './prisma') // { kind: 'prisma', path: '/app/prisma/migrations' }
 */
export async function recogniseMigrations(project: string, option: string): Promise<Known> {
  const path = resolve(project, option)
  const stats = await stat(path).catch(() => undefined)
  if (!stats) throw migrationErrors.MIGRATIONS_NOT_FOUND({ path: option, project, near: await nearPath(path) })
  const found = stats.isDirectory() ? await recogniseFolder(path) : await recogniseFile(path)
  return known(project, found ?? { kind: 'unknown', path, problem: 'holds no migrations' })
}

/**
 * Looks for migrations where people have them: `migrations/`, `prisma/`, `drizzle/`, a knexfile, `schema.sql`. Throws
 * MIGRATIONS_AMBIGUOUS if there are two, for only the user knows which one makes the schema.
 */
export async function detectMigrations(project: string): Promise<Known | undefined> {
  const candidates = await migrationCandidates(project)
  if (candidates.length > 1) {
    throw migrationErrors.MIGRATIONS_AMBIGUOUS({
      project,
      candidates: candidates.map(({ path }) => nameIn(project, path)),
    })
  }
  return candidates[0] && known(project, candidates[0])
}

/** All that looks like migrations where people have them, also what nobody could run without being told how. */
export async function migrationCandidates(project: string): Promise<FoundMigrations[]> {
  const names = await readdir(project)
  const candidates: FoundMigrations[] = []
  for (const name of names.filter(isKnexfile)) candidates.push({ kind: 'knex', path: join(project, name) })
  const hasKnex = candidates.length > 0
  for (const name of ['migrations', 'prisma', 'drizzle'].filter(each => names.includes(each))) {
    const found = await recogniseFolder(join(project, name))
    // knex's own folder; it may hold .sql files too, which its migrations read
    if (name === 'migrations' && hasKnex && (await holdsModules(join(project, name)))) continue
    // a folder of drizzle's schemas is none of its migrations
    if (found && !(name === 'drizzle' && found.kind === 'unknown')) candidates.push(found)
  }
  if (names.includes('schema.sql')) candidates.push({ kind: 'schema', path: join(project, 'schema.sql') })
  const config = names.find(isDrizzleConfig)
  if (config) addDrizzleConfig(candidates, await recogniseDrizzleConfig(join(project, config)))
  return candidates
}

/** The config of a folder that was found already is no second candidate. */
function addDrizzleConfig(candidates: FoundMigrations[], configured: FoundMigrations): void {
  const same = candidates.findIndex(({ kind, path }) => kind === 'drizzle' && path === configured.path)
  if (same === -1) candidates.push(configured)
  else candidates[same] = configured
}

function known(project: string, found: FoundMigrations): Known {
  if (found.kind !== 'unknown') return found
  throw migrationErrors.MIGRATIONS_UNKNOWN({ path: nameIn(project, found.path), problem: found.problem })
}

async function recogniseFile(path: string): Promise<FoundMigrations> {
  const name = basename(path)
  if (isDrizzleConfig(name)) return recogniseDrizzleConfig(path)
  if (extname(name) === '.sql') return { kind: 'schema', path }
  if (extname(name) === '.prisma') return (await recogniseFolder(dirname(path))) ?? prismaWithoutMigrations(path)
  // a knexfile may have any name
  if (moduleEndings.has(extname(name))) return { kind: 'knex', path }
  return { kind: 'unknown', path, problem: 'is no .sql file, knexfile, drizzle.config or schema.prisma' }
}

/** Undefined if the folder is empty, or holds nothing that looks like migrations. */
async function recogniseFolder(path: string): Promise<FoundMigrations | undefined> {
  const entries = (await readdir(path, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'))
  const files = entries.filter(entry => !entry.isDirectory()).map(({ name }) => name)
  const folders = entries.filter(entry => entry.isDirectory()).map(({ name }) => name)
  if (files.includes('migration_lock.toml')) return { kind: 'prisma', path }
  if (folders.includes('meta') && (await exists(join(path, 'meta/_journal.json')))) return { kind: 'drizzle', path }
  const withMigration = await filterAsync(folders, folder => exists(join(path, folder, 'migration.sql')))
  if (withMigration[0]) {
    return { kind: (await exists(join(path, withMigration[0], 'snapshot.json'))) ? 'drizzle' : 'prisma', path }
  }
  const names = files.filter(name => extname(name).toLowerCase() === '.sql')
  if (names.length > 0) return { kind: 'sql-folder', path, names }
  const inner = folders.includes('migrations') ? await recogniseFolder(join(path, 'migrations')) : undefined
  if (inner) return inner
  const knexfile = files.find(isKnexfile)
  if (knexfile) return { kind: 'knex', path: join(path, knexfile) }
  if (files.some(name => extname(name) === '.prisma')) return prismaWithoutMigrations(path)
  if (files.some(name => moduleEndings.has(extname(name)))) {
    return { kind: 'unknown', path, problem: 'holds modules, but it does not say which tool runs them' }
  }
  const nested = await filterAsync(folders, async folder =>
    (await readdir(join(path, folder))).some(name => extname(name) === '.sql'),
  )
  if (nested.length === 0) return undefined
  return {
    kind: 'unknown',
    path,
    problem: `holds .sql files only in folders of its own (${nested.slice(0, 3).join(', ')})`,
  }
}

function prismaWithoutMigrations(path: string): FoundMigrations {
  return { kind: 'unknown', path, problem: 'holds a Prisma schema, but no migrations' }
}

async function recogniseDrizzleConfig(config: string): Promise<FoundMigrations> {
  const { out } = readDrizzleConfig(await readFile(config, 'utf8'))
  if (out === undefined) return { kind: 'unknown', path: config, problem: 'has an `out` that is not a plain text' }
  const folder = resolve(dirname(config), out)
  const found = (await exists(folder)) ? await recogniseFolder(folder) : undefined
  if (found?.kind === 'drizzle') return { ...found, config }
  return { kind: 'unknown', path: config, problem: `names ${out}, where there are no migrations` }
}

const moduleEndings = new Set(['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts'])

function isKnexfile(name: string): boolean {
  return /^knexfile\.[cm]?[jt]s$/.test(name)
}

function isDrizzleConfig(name: string): boolean {
  return /^drizzle\.config\.([cm]?[jt]s|json)$/.test(name)
}

async function holdsModules(folder: string): Promise<boolean> {
  return (await readdir(folder)).some(name => moduleEndings.has(extname(name)))
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function filterAsync(items: string[], keep: (item: string) => Promise<boolean>): Promise<string[]> {
  const kept = await Promise.all(items.map(keep))
  return items.filter((_, index) => kept[index])
}

/** What stands beside a path that does not exist, if its name is nearly the same. */
export async function nearPath(path: string): Promise<string | undefined> {
  const names = await readdir(dirname(path)).catch((): string[] => [])
  if (names.length === 0) return undefined
  const { closest, distance } = await import('fastest-levenshtein')
  const near = closest(basename(path), names)
  return distance(basename(path), near) <= Math.max(2, basename(path).length / 3) ? near : undefined
}
