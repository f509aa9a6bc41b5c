import type { Project } from './read-project.js'

/** A tool that Seedbed does not run itself, and how its own command is called. */
export interface MigrationTool {
  packages: [string, ...string[]]
  /** The files that say where it connects to, of those that are there. */
  configs(project: Project): string[]
  /** Files and folders that decide what it makes, besides its configs. */
  sources(project: Project): string[]
  /** Where it has none that is known, only a script of the project can say it. */
  command?(project: Project): string | undefined
}

/** Those whose name says that they migrate stand before those that may be used for queries alone. */
export const migrationTools: MigrationTool[] = [
  {
    packages: ['node-pg-migrate'],
    configs: () => [],
    sources: migrationFolders,
    // It connects to DATABASE_URL by itself.
    command(project) {
      const [folder] = migrationFolders(project)
      return `npx node-pg-migrate up${folder === 'migrations' ? '' : ` --migrations-dir ${folder}`}`
    },
  },
  {
    packages: ['typeorm'],
    configs: dataSources,
    sources: project => [...migrationFolders(project), ...foldersOf(project, /^(src\/)?entit(y|ies)$/)],
    command(project) {
      const [source, ...others] = dataSources(project)
      if (source === undefined || others.length > 0 || !readsVariables(project, source)) return undefined
      const program = source.endsWith('.ts') ? `typeorm-ts-node-${project.isModule ? 'esm' : 'commonjs'}` : 'typeorm'
      return `npx ${program} migration:run -d ${source}`
    },
  },
  {
    packages: ['@mikro-orm/migrations'],
    configs: named(/(^|\/)mikro-orm\.config\.\w+$/),
    sources: migrationFolders,
    command: byConfig('npx mikro-orm migration:up'),
  },
  {
    packages: ['sequelize-cli', 'sequelize'],
    configs: named(/^((src|db|database)\/)?config\/(config|database)\.(json|[mc]?[jt]s)$/),
    sources: migrationFolders,
    command: byConfig('npx sequelize-cli db:migrate'),
  },
  {
    packages: ['kysely-ctl'],
    configs: named(/^(\.config\/)?kysely\.config\.\w+$/),
    sources: migrationFolders,
    command: byConfig('npx kysely migrate:latest'),
  },
  {
    packages: ['prisma', '@prisma/client'],
    configs: named(/^((prisma\/)?schema\.prisma|prisma\.config\.\w+)$/),
    sources: () => [],
    command: byConfig('npx prisma db push'),
  },
  {
    packages: ['drizzle-kit'],
    configs: named(/^drizzle\.config\.\w+$/),
    sources: named(/(^|\/)(db|database|drizzle)\/schema\.[jt]s$|^(src\/)?schema\.[jt]s$/),
    command: byConfig('npx drizzle-kit push --force'),
  },
  ...['kysely', 'umzug', 'db-migrate', 'postgrator'].map((name): MigrationTool => ({
    packages: [name],
    configs: () => [],
    sources: migrationFolders,
  })),
]

/** Whether a file has a host or URL of its own, where a variable could stand: what connects by it goes there. */
export function namesAddress(project: Project, file: string): boolean {
  return /(host|server|url|connectionString)["']?\s*[:=]\s*["'`][^"'`$]+["'`]/i.test(project.read(file) ?? '')
}

function byConfig(command: string): NonNullable<MigrationTool['command']> {
  return function (this: MigrationTool, project) {
    return this.configs(project).some(file => readsVariables(project, file)) ? command : undefined
  }
}

function readsVariables(project: Project, file: string): boolean {
  return /process\.env|\benv\(|use_env_variable/.test(project.read(file) ?? '')
}

function dataSources(project: Project): string[] {
  const isCode = /^(?!.*\.(test|spec)\.).*\.[mc]?[jt]s$/
  return project.files.filter(file => isCode.test(file) && /new DataSource\(/.test(project.read(file)!))
}

function named(pattern: RegExp): (project: Project) => string[] {
  return ({ files }) => files.filter(file => pattern.test(file))
}

/** Folders that are called `migrations`, a few folders deep at the most. */
function migrationFolders(project: Project): string[] {
  return foldersOf(project, /^([^/]+\/){0,3}migrations?$/)
}

/** Folders with files of their own. */
function foldersOf({ files }: Project, pattern: RegExp): string[] {
  const folders = new Set(files.map(file => file.slice(0, Math.max(file.lastIndexOf('/'), 0))))
  return [...folders].filter(folder => pattern.test(folder))
}
