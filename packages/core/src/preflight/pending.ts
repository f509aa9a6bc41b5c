import { changedFinding } from '../doctor/check-migrations.js'
import { ok, problem, warning, type Found } from '../doctor/finding.js'
import { listed } from '../errors/listed.js'
import type { MigrationPlan } from '../migrations/migration-plan.js'
import type { Look } from './look.js'

/** Whether test and staging have had what a target is going to get, and whether it can get it. */
export function* pendingFindings(target: Look, before: readonly Look[], plan: MigrationPlan): Iterable<Found> {
  const { environment, seen } = target
  const { name } = environment
  if (!seen) return // reachability says why
  const { pending, changed, unknown, unfinished, applied } = seen.history
  if (unfinished.length > 0) {
    yield problem(`${listed(unfinished)} of ${name} has not come to its end`, {
      why: 'A part of it may be there. Nothing runs on top of that.',
      wayOut: ['docs/errors/MIGRATION_UNFINISHED.md says how to go on.'],
      environment,
    })
  }
  if (unknown.length > 0) {
    yield problem(`${name} has had ${listed(unknown)}, which the project does not have`, {
      why: 'This is an older version than the one that runs there, or another branch.',
      wayOut: ['Merge what was deployed last.'],
      environment,
    })
  }
  if (changed.length > 0) yield changedFinding(changed, environment)
  if (applied.length === 0 && unknown.length === 0 && pending.length > 0 && seen.hasTables) {
    yield problem(`${name} has tables, and nothing in it says which migrations it has had`, {
      why: 'To run them all would be to guess.',
      wayOut: [`seedbed prepare ${name} --baseline ${plan.version} # or the last that it has had`],
      environment,
    })
    return
  }
  yield ok(
    pending.length === 0
      ? `${name} has had all ${applied.length} migrations`
      : `${name} is going to get ${listed(pending)}`,
    {
      environment,
    },
  )
  if (!before.some(each => each.environment.tier === 'staging')) {
    yield warning('the config has no staging', {
      why: 'What runs on production first meets data like production’s there.',
      wayOut: ['Name one: environments: { staging: { variable: "STAGING_DATABASE_URL" } }'],
    })
  }
  for (const each of before) yield* hasHad(each, pending)
}

function* hasHad({ environment, seen, isMadeByRuns }: Look, pending: readonly string[]): Iterable<Found> {
  const { name } = environment
  if (isMadeByRuns) yield ok('every test run makes its databases from all of the migrations', { environment })
  if (!seen) return
  const missing = pending.filter(each => !seen.history.applied.includes(each))
  const way = { wayOut: [`seedbed prepare ${name}`], environment }
  if (seen.history.unfinished.length > 0) {
    yield problem(`${listed(seen.history.unfinished)} of ${name} has not come to its end`, {
      why: 'It would not on production either.',
      ...way,
    })
  } else if (missing.length > 0) {
    yield problem(`${name} has not had ${listed(missing)}`, { why: 'It would run on production first.', ...way })
  } else {
    yield ok(pending.length === 0 ? `${name} has nothing to go ahead with` : `${name} has had ${listed(pending)}`, {
      environment,
    })
  }
}
