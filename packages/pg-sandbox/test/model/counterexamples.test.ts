import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { batches } from './counterexamples/batches.js'
import { constraints } from './counterexamples/constraints.js'
import { cursors } from './counterexamples/cursors.js'
import { portals } from './counterexamples/portals.js'
import { preparedStatements } from './counterexamples/prepared-statements.js'
import { settings } from './counterexamples/settings.js'
import { temporaryTables } from './counterexamples/temporary-tables.js'
import { transactionModes } from './counterexamples/transaction-modes.js'
import { openSides, type Sides } from './run-program.js'

let sides: Sides
beforeAll(async () => {
  sides = await openSides()
})
afterAll(() => sides[Symbol.asyncDispose]())

const topics = {
  batches,
  constraints,
  cursors,
  portals,
  preparedStatements,
  settings,
  temporaryTables,
  transactionModes,
}

describe.for(Object.entries(topics))('%s', ([, counterexamples]) => {
  test.for(counterexamples)('%s', async ([, program]) => {
    expect(await sides.compare(program)).toBeUndefined()
  })
})
