import { describeStatements, type Footprint, type Isolation } from '@seedbed/core'
import { colour } from './print.js'

/**
 * What a command has done in its sandbox: one line, and one for each thing that it did not bring to an end.
 *
 * @param isolation of the project's config: whether it was committed, and then put back or dropped
 */
export function footprintLines(footprint: Footprint, isolation: Isolation): string[] {
  const { hungUp, openTransactions, inFlight } = footprint
  const statements = describeStatements(footprint)
  return [
    statements === '' ? 'nothing to roll back' : `${undone[isolation]}: ${statements}`,
    ...[...hungUp, ...openTransactions].map(({ client, statement }) =>
      colour('yellow', `${client} left a transaction open; its last statement: ${statement}`),
    ),
    ...inFlight.map(({ client, statement }) =>
      colour('yellow', `${client} did not wait for a statement, which was cancelled: ${statement}`),
    ),
  ]
}

const undone = { transaction: 'rolled back', restore: 'committed and put back', database: 'committed and dropped' }
