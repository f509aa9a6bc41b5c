import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hasTable } from '../structure/has-table.js'
import { migrationErrors } from './errors.js'
import type { MigrationPlan } from './migration-plan.js'
import { nameIn, readProjectFile, sha256 } from './project-files.js'
import { sqlPlan, type Bookkeeping } from './sql-plan.js'

/**
 * `prisma/migrations`: each folder's `migration.sql`, in the order of the folders' names, sent as Prisma sends it (one
 * message, no BEGIN). Applied from the SQL, for `prisma migrate deploy` may want to download an engine; what it would
 * have noted in `_prisma_migrations` is noted, so that it finds nothing left to do.
 */
export async function planPrisma(project: string, folder: string): Promise<MigrationPlan> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter(entry => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)
  const lock = await readProjectFile(project, join(folder, 'migration_lock.toml')).catch(() => undefined)
  if (lock) refuseOtherProvider(lock.name, lock.bytes.toString('utf8'))
  const files = await Promise.all(names.toSorted().map(name => readMigration(project, folder, name)))
  if (files.length === 0) {
    throw migrationErrors.MIGRATIONS_EMPTY({ path: nameIn(project, folder), expected: 'folders with a migration.sql' })
  }
  return sqlPlan({
    description: `${nameIn(project, folder)}/ (${files.length} of Prisma)`,
    path: nameIn(project, folder),
    watched: [folder],
    others: lock ? [lock] : [],
    migrations: files.map(file => ({
      name: file.name.split('/').at(-2)!,
      file,
      script: text => ({ text, transaction: 'script' }),
    })),
    bookkeeping,
  })
}

async function readMigration(project: string, folder: string, name: string) {
  const path = join(folder, name, 'migration.sql')
  return readProjectFile(project, path).catch(error => {
    throw migrationErrors.MIGRATIONS_BROKEN(
      { path: nameIn(project, join(folder, name)), problem: 'has no migration.sql that could be read' },
      { cause: error },
    )
  })
}

function refuseOtherProvider(path: string, text: string): void {
  const provider = /^\s*provider\s*=\s*"([^"]*)"/m.exec(text)?.[1]
  if (provider === 'postgresql' || provider === 'postgres') return
  const problem = provider ? `says that the migrations are for ${provider}, not for postgresql` : 'names no provider'
  throw migrationErrors.MIGRATIONS_BROKEN({ path, problem })
}

/** The table as Prisma's schema engine makes it, and the rows that it writes. */
const bookkeeping: Bookkeeping = {
  hash: ({ bytes }) => sha256(bytes),
  async read(db) {
    if (!(await hasTable(db, 'public', '_prisma_migrations'))) return undefined
    const { rows } = await db.query<{ name: string; hash: string; finished: string }>(
      `select migration_name as name, checksum as hash, (finished_at is not null)::pg_catalog.text as finished
        from public._prisma_migrations where rolled_back_at is null order by started_at`,
    )
    return rows.map(row => ({ ...row, finished: row.finished === 'true' }))
  },
  async create(client) {
    await client.query(`CREATE TABLE public._prisma_migrations (
      id VARCHAR(36) PRIMARY KEY NOT NULL,
      checksum VARCHAR(64) NOT NULL,
      finished_at TIMESTAMPTZ,
      migration_name VARCHAR(255) NOT NULL,
      logs TEXT,
      rolled_back_at TIMESTAMPTZ,
      started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
      applied_steps_count INTEGER NOT NULL DEFAULT 0
    )`)
  },
  steps: {
    async begin(client, { name, file }) {
      await client.query('INSERT INTO public._prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
        randomUUID(),
        sha256(file.bytes),
        name,
      ])
    },
    again: name => `npx prisma migrate resolve --rolled-back ${name}`,
  },
  async finish(client, { name, file }, begun) {
    if (begun) {
      await client.query(
        `UPDATE public._prisma_migrations SET finished_at = now(), applied_steps_count = 1
         WHERE migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL`,
        [name],
      )
      return
    }
    await client.query(
      `INSERT INTO public._prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count)
       VALUES ($1, $2, now(), $3, 1)`,
      [randomUUID(), sha256(file.bytes), name],
    )
  },
}
