import { basename, join } from 'node:path'
import { migrationErrors } from './errors.js'
import type { MigrationPlan } from './migration-plan.js'
import { naturalOrder } from './natural-order.js'
import { nameIn, readProjectFile } from './project-files.js'
import { sqlPlan } from './sql-plan.js'
import type { SqlFile } from './run-sql-file.js'
import { lineAndColumn } from './text-position.js'

/** A folder of `.sql` files, in the natural order of their names; `*.down.sql` only undo and are left out. */
export async function planSqlFolder(project: string, folder: string, names: string[]): Promise<MigrationPlan> {
  const downs = names.filter(isDownFile)
  const ups = names.filter(name => !isDownFile(name)).toSorted(naturalOrder)
  if (ups.length === 0) {
    throw migrationErrors.MIGRATIONS_EMPTY({ path: nameIn(project, folder), expected: '.sql files but *.down.sql' })
  }
  const counts = [
    `${ups.length} .sql file${ups.length === 1 ? '' : 's'}`,
    ...(downs.length > 0 ? [`${downs.length} .down.sql left out`] : []),
  ]
  const files = await Promise.all(ups.map(name => readProjectFile(project, join(folder, name))))
  return sqlPlan({
    description: `${nameIn(project, folder)}/ (${counts.join(', ')})`,
    path: nameIn(project, folder),
    watched: [folder],
    migrations: files.map(file => ({
      name: basename(file.path),
      file,
      script: text => upScript(file.name, text),
    })),
  })
}

/** One file that makes the whole schema, written by hand or by `pg_dump`. */
export async function planSchemaFile(project: string, path: string): Promise<MigrationPlan> {
  const file = await readProjectFile(project, path)
  const script = (text: string) => upScript(file.name, text)
  return sqlPlan({
    ...{ description: file.name, path: file.name, watched: [path], whole: true },
    migrations: [{ name: basename(path), file, script }],
  })
}

function isDownFile(name: string): boolean {
  return /\.down\.sql$/i.test(name)
}

/**
 * The part of a file that migrates upwards, and whether it runs in a transaction. Some tools keep the way back in the
 * same file, behind a comment; run as a whole such a file would leave nothing. What is not run becomes blanks, so that
 * lines and columns stay what they are.
 */
function upScript(file: string, text: string): { text: string; transaction: SqlFile['transaction'] } {
  const directive = /^[ \t]*--[ \t]*seedbed[ \t]*:[ \t]*(.*?)[ \t]*\r?$/im.exec(text)
  if (directive && !/^no[- ]transaction$/i.test(directive[1]!)) {
    const { line } = lineAndColumn(text, directive.index)
    throw migrationErrors.SQL_DIRECTIVE({ file, line, directive: directive[1]! })
  }
  const none = directive !== null || noTransactionMarkers.some(marker => marker.test(text))
  return { text: withoutDown(text), transaction: none ? 'none' : 'own' }
}

/** dbmate, goose, sql-migrate and node-pg-migrate, in this order. */
const upMarker = /^[ \t]*--[ \t]*(?:migrate:up|\+goose[ \t]+up|\+migrate[ \t]+up|up[ \t]+migration)\b/i
const downMarker = /^[ \t]*--[ \t]*(?:migrate:down|\+goose[ \t]+down|\+migrate[ \t]+down|down[ \t]+migration)\b/i
const noTransactionMarkers = [
  /^[ \t]*--[ \t]*migrate:up\b.*\btransaction:false\b/im,
  /^[ \t]*--[ \t]*\+goose[ \t]+no[ \t]+transaction\b/im,
  /^[ \t]*--[ \t]*\+migrate[ \t]+up\b.*\bnotransaction\b/im,
]

function withoutDown(text: string): string {
  if (!text.split('\n').some(line => downMarker.test(line))) return text
  let down = false
  return text
    .split('\n')
    .map(line => {
      if (upMarker.test(line)) down = false
      if (downMarker.test(line)) down = true
      return down ? line.replaceAll(/[^\r]/gu, ' ') : line
    })
    .join('\n')
}
