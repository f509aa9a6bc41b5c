import { describeStatements, type Footprint } from '@seedbed/core'
import { colour } from './print.js'

/** What a command has done in its sandbox: one line, and one for each thing that it did not bring to an end. */
export function footprintLines(footprint: Footprint): string[] {
  const { hungUp, openTransactions, inFlight } = footprint
  const statements = describeStatements(footprint)
  return [
    statements === '' ? 'nothing to roll back' : `rolled back: ${statements}`,
    ...[...hungUp, ...openTransactions].map(({ client, statement }) =>
      colour('yellow', `${client} left a transaction open; its last statement: ${statement}`),
    ),
    ...inFlight.map(({ client, statement }) =>
      colour('yellow', `${client} did not wait for a statement, which was cancelled: ${statement}`),
    ),
  ]
}
