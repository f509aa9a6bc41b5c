import { majorOf } from '../doctor/check-settings.js'
import { ok, problem, skipped, type Found } from '../doctor/finding.js'
import { listed } from '../errors/listed.js'
import { describeDrift } from '../structure/structure.js'
import type { Look } from './look.js'

/**
 * Whether somebody has changed a schema by hand: each against what was noted when it was prepared, and against each other where two
 * have had the same migrations.
 */
export function* driftFindings(looks: readonly Look[]): Iterable<Found> {
  for (const look of looks) if (look.seen) yield sincePrepared(look)
  const equal = looks.filter(({ seen }) => seen && seen.history.pending.length === 0)
  // The later in the list is nearer to production.
  const [first, ...others] = equal.toReversed()
  for (const other of others) yield between(first!, other)
}

function sincePrepared({ environment, seen }: Look): Found {
  const { name } = environment
  const { noted, structure } = seen!
  if (!noted) {
    return skipped(`what ${name} was built of is not noted: seedbed prepare ${name} does so with its next migration`, {
      environment,
    })
  }
  const drift = describeDrift(noted, structure)
  if (drift.length === 0) return ok(`the schema of ${name} is as its migrations have left it`, { environment })
  return problem(`the schema of ${name} was changed since it was prepared: ${listed(drift, 5)}`, {
    why: 'A migration that was tested meets something else there.',
    wayOut: ['Write what was changed as a migration, or take it back.'],
    environment,
  })
}

function between(first: Look, other: Look): Found {
  const { environment } = other
  const names = `${other.environment.name} and ${first.environment.name}`
  const [here, there] = [other.seen!, first.seen!]
  if (majorOf(here.facts) !== majorOf(there.facts)) {
    return skipped(
      `${names} cannot be compared: they run PostgreSQL ${here.facts.version} and ${there.facts.version}`,
      { environment },
    )
  }
  const differences = describeDrift(here.structure, there.structure)
  if (differences.length === 0) return ok(`${names} have the same schema`, { environment })
  return problem(
    `${names} have had the same migrations, and differ: on ${first.environment.name} ${listed(differences, 5)}`,
    {
      why: 'One of them was changed by hand. What passes on one may fail on the other.',
      wayOut: ['Write the difference as a migration that both can have.'],
      environment,
    },
  )
}
