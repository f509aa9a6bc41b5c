import type { Footprint } from 'pg-sandbox'
import type { Scope } from './scope.js'

/** What has to be said about a scope that has ended: what it left open, and for a test that failed, what it has done. */
export function footprintLines(
  scope: Scope,
  footprint: Footprint,
  { failed, isShared }: { failed: boolean; isShared: boolean },
): string[] {
  const name = describeScope(scope)
  const lines = [
    ...footprint.openTransactions.map(
      ({ client, statement }) =>
        `${name} ended while ${client} was in a transaction, which was ${isKept(footprint, client) ? 'kept as it stood' : 'rolled back'}; its last statement: ${statement}`,
    ),
    ...footprint.inFlight.map(
      ({ client, statement }) => `${name} did not wait for a statement of ${client}, which was cancelled: ${statement}`,
    ),
    ...footprint.advisoryLocks.map(
      ({ client, statement }) =>
        `${name} ended while ${client} held session locks, which were given back; its last statement: ${statement}`,
    ),
    ...(failed ? footprint.hungUp : []).map(
      ({ client, statement }) =>
        `${client} hung up in the midst of a transaction, which was rolled back; its last statement: ${statement}`,
    ),
    ...(isShared ? [sharedLine(footprint)] : []),
    ...(failed ? [`${name} failed; in the database it had run ${describeStatements(footprint)}`] : []),
    ...detailLines(footprint),
  ]
  return lines.map(line => `seedbed  ${line}`)
}

/** Of a failed test that is kept, open transactions are too, if they have not failed themselves. */
function isKept({ kept }: Footprint, client: string): boolean {
  return kept?.problem === undefined && kept?.withoutTransactions.every(failed => failed.client !== client) === true
}

/** For messages: `test "renames"`, `describe "users"`. */
export function describeScope(scope: Scope | undefined): string {
  if (!scope) return 'no scope'
  return scope.kind === 'suite' ? `describe "${scope.name}"` : `${scope.kind} "${scope.name}"`
}

function sharedLine(footprint: Footprint): string {
  return `concurrent tests have used DATABASE_URL at the same time (${describeStatements(footprint)}), and could see each other's rows: nothing tells which of them a statement is of. Take db from each test's fixture, or make them sequential.`
}

function detailLines({ details }: Footprint): string[] {
  const { rowsByTable = {}, timeStatement } = details ?? {}
  const tables = Object.entries(rowsByTable).map(([table, rows]) => `${table} ${rows > 0 ? '+' : '−'}${Math.abs(rows)}`)
  return [
    ...(tables.length > 0 ? [`  rows at its end, against its begin: ${tables.join(', ')}`] : []),
    ...(timeStatement === undefined
      ? []
      : [
          `  now() stands still in a test: rows that it wrote may all bear the same time, so that an order by it is none. One of its statements: ${timeStatement}`,
        ]),
  ]
}

/**
 * What came to its end in a scope; empty if nothing did.
 *
 * @example describeStatements(await sandbox.leave()) // 'INSERT 3 times (3 rows), SELECT once (2 rows); 1 failed'
 */
export function describeStatements({ statements, rows, failed }: Footprint): string {
  const kinds = Object.entries(statements).map(([kind, count]) => {
    const times = count === 1 ? 'once' : `${count} times`
    return kind in rows ? `${kind} ${times} (${rows[kind]} ${rows[kind] === 1 ? 'row' : 'rows'})` : `${kind} ${times}`
  })
  return [kinds.join(', '), failed > 0 ? `${failed} failed` : ''].filter(Boolean).join('; ')
}
