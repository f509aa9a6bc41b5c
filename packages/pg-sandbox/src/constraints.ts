import { escapeIdentifier } from './pg.js'
import type { ServerSession } from './server-session.js'

/**
 * Deferred constraints are checked at COMMIT, and the shared transaction never gets there. So at the begin of each unit
 * those that are INITIALLY DEFERRED are deferred, and at its end all are immediate, which checks them.
 *
 * `SET CONSTRAINTS ALL DEFERRED` would not do: it defers those too that are INITIALLY IMMEDIATE.
 */
export interface Constraints {
  /** SQL for the begin of a unit. */
  defer(): string[]
  /** SQL for its end. Without a deferrable constraint there is nothing to check. */
  check(): string[]
  /** After statements that may have made or changed some. */
  changed(): void
  /** After a rollback: with them, what was read may be gone. */
  rolledBack(): void
  /** The transaction has begun anew: none of them is in it. */
  begunAnew(): void
  /** Reads them from the catalog; undefined if it is known which there are. */
  refresh(): Promise<void> | undefined
}

export function deferrableConstraints(run: ServerSession['run']): Constraints {
  let found: { any: boolean; deferred: string[] } | undefined
  let mayBeOurs = false

  return {
    defer: () => (found?.deferred.length ? [`SET CONSTRAINTS ${found.deferred.join(', ')} DEFERRED`] : []),
    check: () => (found === undefined || found.any ? ['SET CONSTRAINTS ALL IMMEDIATE'] : []),
    changed() {
      found = undefined
      mayBeOurs = true
    },
    rolledBack() {
      if (mayBeOurs) found = undefined
    },
    begunAnew() {
      mayBeOurs = false
    },
    refresh: () => (found ? undefined : read()),
  }

  async function read(): Promise<void> {
    const [rows = []] = await run(catalog)
    found = {
      any: rows.length > 0,
      deferred: rows
        .filter(([, , deferred]) => deferred === 't')
        .map(([schema, name]) => `${escapeIdentifier(schema!)}.${escapeIdentifier(name!)}`),
    }
  }
}

const catalog = `
  select distinct n.nspname, c.conname, c.condeferred
    from pg_catalog.pg_constraint c join pg_catalog.pg_namespace n on n.oid = c.connamespace
   where c.condeferrable and has_schema_privilege(n.oid, 'usage')`
