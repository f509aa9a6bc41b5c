import { migrationCandidates, type FoundMigrations } from '../migrations/find-migrations.js'
import { nameIn } from '../migrations/project-files.js'
import { migrationTools, namesAddress, type MigrationTool } from './migration-tools.js'
import { scriptCommand, type PackageManager } from './package-manager.js'
import type { Project } from './read-project.js'

export interface MigrationsFound {
  /** What makes the schema, in words: `migrations/ (.sql files)`; null where nothing was found. */
  what: string | null
  /** What says so. */
  from: string
  /** What the config has to say; null where Seedbed finds them by itself. */
  option: MigrationsOption | null
  /** What only somebody who knows the project can decide, and the options between them; null where all is clear. */
  undecided: { why: string; options: string[] } | null
}

export type MigrationsOption = string | { command: string; dependsOn: string[] }

/**
 * How the project's schema is made. What Seedbed finds by itself needs no option; of several, the one whose tool the project
 * depends on; else a tool that is run by its command.
 */
export async function findProjectMigrations(project: Project, manager: PackageManager): Promise<MigrationsFound> {
  const candidates = await migrationCandidates(project.folder)
  const known = candidates.filter(({ kind }) => kind !== 'unknown')
  const [only] = known
  if (only && candidates.length === 1) return found(project, only, 'its place', null)
  if (known.length > 0) return oneOfSeveral(project, candidates)
  const tool = migrationTools.find(({ packages }) => packages.some(name => project.dependencies.has(name)))
  const ofTool = tool ? [...tool.sources(project), ...tool.configs(project)] : []
  const dependsOn = ofTool.length > 0 ? ofTool : candidates.map(({ path }) => nameIn(project.folder, path))
  if (dependsOn.length === 0) {
    const from = tool ? `${tool.packages[0]} is a dependency, but its migrations were not found` : 'nothing was found'
    return { what: null, from, option: null, undecided: null }
  }
  return byCommand(project, manager, tool, dependsOn)
}

function found(
  { folder }: Project,
  { kind, path }: FoundMigrations,
  from: string,
  option: string | null,
): MigrationsFound {
  const name = nameIn(folder, path)
  const kinds = {
    'sql-folder': '.sql files',
    schema: 'one file',
    knex: 'knex',
    prisma: 'Prisma',
    drizzle: 'drizzle',
    unknown: '',
  }
  return { what: `${name} (${kinds[kind]})`, from, option, undecided: null }
}

const toolOf: Partial<Record<FoundMigrations['kind'], string[]>> = {
  knex: ['knex'],
  prisma: ['prisma', '@prisma/client'],
  drizzle: ['drizzle-orm', 'drizzle-kit'],
}

/** The one whose tool is a dependency; else a folder of migrations beside a schema.sql, which is what they come to. */
function oneOfSeveral(project: Project, candidates: FoundMigrations[]): MigrationsFound {
  const ofTools = candidates.filter(({ kind }) => toolOf[kind]?.some(name => project.dependencies.has(name)))
  const names = candidates.map(({ path }) => nameIn(project.folder, path))
  const choose = (one: FoundMigrations, from: string) =>
    found(project, one, from, `./${nameIn(project.folder, one.path)}`)
  if (ofTools.length === 1)
    return choose(ofTools[0]!, `of ${names.join(' and ')} it is the one whose tool is a dependency`)
  const folders = candidates.filter(({ kind }) => kind !== 'schema')
  if (ofTools.length === 0 && folders.length === 1 && folders[0]!.kind !== 'unknown') {
    return choose(folders[0]!, `beside them, schema.sql is taken for a copy of what they make`)
  }
  return undecided(
    `${names.join(' and ')} could each make the schema`,
    names.map(name => `migrations: './${name}'`),
  )
}

/** By a script of the project, else by the tool's own command: as long as nothing says that it would go to a database of its own. */
function byCommand(
  project: Project,
  manager: PackageManager,
  tool: MigrationTool | undefined,
  dependsOn: string[],
): MigrationsFound {
  const script = migrateScript(project)
  const files = [...(tool?.configs(project) ?? []), ...(script?.files ?? [])]
  const own = files.find(file => namesAddress(project, file)) ?? overridingFile(project)
  const command = script ? scriptCommand(manager, script.name) : tool?.command?.(project)
  const what = tool?.packages[0] ?? dependsOn.join(' and ')
  if (own !== undefined || command === undefined) {
    const why =
      own === undefined ? 'how it is run cannot be seen' : `by ${own} it might go to another database than DATABASE_URL`
    const option = `migrations: { command: '…', dependsOn: [${dependsOn.map(each => `'${each}'`).join(', ')}] }`
    return undecided(`${what} makes the schema, and ${why}`, [option])
  }
  return {
    what: command,
    from: script ? `the script ${script.name} of package.json` : `${what} is a dependency`,
    option: { command, dependsOn: [...new Set([...dependsOn, ...(script?.files ?? [])])] },
    undecided: null,
  }
}

const scriptNames =
  /^(db:|database:|typeorm:|sequelize:|mikro-orm:|kysely:)?(migrate|migrations?[:-](run|up)|migrate[:-](up|latest|deploy|run))$/
const elsewhere = /:\/\/|\b\w+=|--(env|url|host|override|overload)\b|\s-o\s|\b(prod|production|live|staging)\b/i

/**
 * The project's own way to migrate, and the files that it names. A script that sets variables, names an address or an environment may go
 * to another database than the one that it is given, and is not taken.
 */
function migrateScript({ manifest: { scripts = {} }, files }: Project): { name: string; files: string[] } | undefined {
  const name = Object.keys(scripts).find(each => scriptNames.test(each) && !elsewhere.test(scripts[each]!))
  if (name === undefined) return undefined
  const words = scripts[name]!.split(/[\s'"]+/).map(word => word.replace(/^\.\//, ''))
  return { name, files: words.filter(word => files.includes(word)) }
}

/** What dotenv is told to override is set anew in whatever loads this file, whoever has set it before. */
function overridingFile(project: Project): string | undefined {
  return project.files.find(file => {
    const text = /\.[mc]?[jt]s$/.test(file) ? project.read(file)! : ''
    return text.includes('dotenv') && /override:\s*true/.test(text)
  })
}

function undecided(why: string, options: string[]): MigrationsFound {
  return { what: null, from: why, option: null, undecided: { why, options } }
}
