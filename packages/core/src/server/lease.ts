import { setTimeout as pause } from 'node:timers/promises'
import { escapeLiteral } from 'pg'
import type { Lease } from './postmaster.js'
import { applicationRole } from './settings.js'

/** An ordinary role: it owns the worker databases, and can neither create databases nor look into those of others. */
export async function makeApplicationRole(lease: Lease, password: string): Promise<void> {
  const role = escapeLiteral(applicationRole)
  const { rows } = await lease.query(`select from pg_roles where rolname = ${role}`)
  if (rows.length > 0) return
  await lease.query(`
    begin;
    set local log_min_error_statement = panic;
    set local synchronous_commit = on;
    create role ${applicationRole} login password ${escapeLiteral(password)};
    revoke all on database postgres, template1 from public;
    grant connect on database postgres to ${applicationRole};
    commit`)
}

/** Sessions that this run has just closed need a moment to be gone; another run's lease does not go. */
export async function isAlone(lease: Lease): Promise<boolean> {
  for (const begin = Date.now(); ; await pause(5)) {
    const { rows } = await lease.query<{ leases: number; others: number }>(`
      select count(*) filter (where application_name like 'seedbed lease %')::int as leases, count(*)::int as others
      from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`)
    const { leases = 0, others = 0 } = rows[0] ?? {}
    if (others === 0) return true
    if (leases > 0 || Date.now() - begin > 500) return false
  }
}
