import { hostname } from 'node:os'
import { escapeIdentifier, escapeLiteral } from 'pg'
import type { Context, LeasedTemplate } from './context.js'
import { errors, reasonOf, sqlState } from './errors.js'
import type { Session } from './session.js'

/** What a new row says about the process that made it. */
export const creator = JSON.stringify({ pid: process.pid, host: hostname() })

/**
 * CREATE DATABASE for a row that is registered and committed, on the session that holds its `busy` lock; then, in one
 * transaction, the comment on the database and its oid in the row.
 *
 * @returns the oid
 * @throws TemplateError CREATE_FAILED, TEMPLATE_GONE
 */
export async function createRegistered(
  context: Context,
  work: Session,
  row: { id: number; name: string; owner: string; comment: string },
  { from, state }: { from?: Pick<LeasedTemplate, 'database' | 'key'> | undefined; state: 'building' | 'used' },
): Promise<number> {
  const name = escapeIdentifier(row.name)
  const owner = escapeIdentifier(row.owner)
  const template = from ? `template ${escapeIdentifier(from.database)}` : ''
  try {
    await work.query(`create database ${name} owner ${owner} ${template} strategy ${context.copy}`)
  } catch (cause) {
    const reason = reasonOf(cause)
    // invalid_catalog_name: no such template; object_not_in_prerequisite_state: its DROP DATABASE was interrupted
    if (from && (sqlState(cause) === '3D000' || sqlState(cause) === '55000')) {
      throw errors.TEMPLATE_GONE({ database: from.database, key: from.key, reason }, { cause })
    }
    throw errors.CREATE_FAILED({ database: row.name, role: context.role, owner: row.owner, reason }, { cause })
  }
  const [, updated] = await work.batch(
    `comment on database ${name} is ${escapeLiteral(row.comment)}`,
    `update template_db.databases set state = '${state}',
       oid = (select oid from pg_database where datname = ${escapeLiteral(row.name)})
      where id = ${row.id} returning oid`,
    `insert into template_db.since_crash values (${row.id})`,
  )
  return (updated as { oid: number }[])[0]?.oid as number
}
