import { setTimeout as pause } from 'node:timers/promises'
import type { Lease } from './postmaster.js'
import { applicationRole } from './settings.js'

export async function hasApplicationRole(lease: Lease): Promise<boolean> {
  const { rows } = await lease.query('select from pg_roles where rolname = $1', [applicationRole])
  return rows.length > 0
}

/** An ordinary role: it owns the worker databases, and can neither create databases nor look into those of others. */
export async function makeApplicationRole(lease: Lease, password: string): Promise<void> {
  if (await hasApplicationRole(lease)) return
  await lease.query(`
    begin;
    set local log_min_error_statement = panic;
    set local synchronous_commit = on;
    create role ${applicationRole} login password ${lease.escapeLiteral(password)};
    revoke all on database postgres, template1 from public;
    grant connect on database postgres to ${applicationRole};
    commit`)
}

/** A test that commits may have set something for the role (`ALTER ROLE … SET`), which would hold in every later run. */
export async function resetApplicationRole(lease: Lease): Promise<void> {
  await lease.query(`alter role ${applicationRole} reset all`)
}

/**
 * Names the collations of this machine's locales in `template1`, as initdb does: the archive that a cluster may have come
 * from was made on a machine with few (manual, section 9.28.7, pg_import_system_collations).
 */
export async function importCollations(template1: Lease): Promise<void> {
  await template1.query("select pg_import_system_collations('pg_catalog')")
}

/**
 * Whether nobody else uses the server.
 *
 * @param options.again another session, once the server answers; none if it does not run. It is asked for where this one is lost: when one
 *   of its backends is killed, a server ends all sessions, recovers, and goes on
 * @param options.patience milliseconds for sessions that are no run's lease
 */
export async function isAlone(
  lease: Lease,
  { again, patience = 500 }: { again?: () => Promise<Lease | undefined>; patience?: number },
): Promise<boolean> {
  try {
    return await hasNoOthers(lease, patience)
  } catch (error) {
    if (!again) throw error
    const other = await again().catch(() => undefined)
    if (!other) return false
    try {
      return await hasNoOthers(other, patience)
    } finally {
      await other.end()
    }
  }
}

/** Sessions that this run has just closed need a moment to be gone; another run's lease does not go. */
async function hasNoOthers(lease: Lease, patience: number): Promise<boolean> {
  // Often at first, for most are gone at once.
  for (const begin = Date.now(); ; await pause(Math.min(5 + (Date.now() - begin) / 50, 200))) {
    const { rows } = await lease.query<{ leases: number; others: number }>(`
      select count(*) filter (where application_name like 'seedbed lease %')::int as leases, count(*)::int as others
      from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`)
    const { leases = 0, others = 0 } = rows[0] ?? {}
    if (others === 0) return true
    if (leases > 0 || Date.now() - begin > patience) return false
  }
}
