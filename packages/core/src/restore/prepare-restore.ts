import { createHash } from 'node:crypto'
import { copiesSql } from './copies-sql.js'
import { factsSql } from './facts-sql.js'
import { holdSql } from './hold-sql.js'
import { lookSql } from './look-sql.js'
import { ddlMarksSql, marksSql } from './marks-sql.js'
import { putBackSql } from './put-back-sql.js'
import type { Session } from './restore.js'

/**
 * Prepares a template, so that each clone of it can be put back: a copy of every table's rows, and what tells which tables
 * were written, in a schema `seedbed_restore` that the application's role has no right to. Clones bring it along.
 *
 * The session's role is a superuser, or owns the database and all that is in it. Only a superuser is told of DDL as it happens, and
 * may put rows back whatever their foreign keys; without that right some changes end in a fresh clone.
 *
 * @example await prepareRestore(admin)
 */
export async function prepareRestore(client: Session): Promise<void> {
  const { rows } = await client.query<Conditions>(
    `select r.rolsuper as superuser, pg_catalog.current_setting('server_version_num')::int / 10000 as version,
       pg_catalog.has_parameter_privilege(r.rolname, 'session_replication_role', 'set') as replica
     from pg_catalog.pg_roles r where r.rolname = current_user`,
  )
  try {
    await client.query(preparation(rows[0]!))
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** Another one whenever `prepareRestore` runs anything else: 16 hex digits, for the template's key. */
export function restoreFormat(): string {
  const hash = createHash('sha256')
  for (const superuser of [true, false]) {
    for (const replica of [true, false]) {
      for (const version of [15, 16, 17, 18]) hash.update(preparation({ superuser, replica, version }))
    }
  }
  return hash.digest('hex').slice(0, 16)
}

interface Conditions {
  superuser: boolean
  /** Whether it may set `session_replication_role`. */
  replica: boolean
  /** The server's major version. */
  version: number
}

function preparation({ superuser, replica, version }: Conditions): string {
  return [
    'begin',
    'set local search_path = pg_catalog',
    // Row-level security that applies to this role too would hide rows: an error then, and no copy that lacks them.
    'set local row_security = off',
    copiesSql({ replica }),
    marksSql,
    factsSql({ superuser }),
    lookSql({ version }),
    putBackSql({ replica }),
    holdSql,
    ...(superuser ? [ddlMarksSql] : []),
    'revoke all on all functions in schema seedbed_restore from public',
    'delete from seedbed_restore.written',
    'commit',
  ].join(';\n')
}
