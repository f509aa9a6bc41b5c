import { difference, durability } from '../doctor/check-settings.js'
import { ok, problem, warning, type Found } from '../doctor/finding.js'
import type { Look } from './look.js'

/** Whether the server that it is deployed to loses nothing, lets the migrations run, and is as staging's. */
export function* productionFindings(
  target: Look,
  before: readonly Look[],
  extensions: readonly string[],
): Iterable<Found> {
  const { environment, place, seen } = target
  if (!seen) return // reachability says why
  const unsafe = [...durability(seen.facts, place, environment), ...serverFindings(target)]
  yield* unsafe
  if (unsafe.length === 0) yield ok(`${place} is set up to lose nothing`, { environment })
  const missing = extensions.filter(name => !seen.extensions.installed.includes(name))
  for (const name of missing) {
    yield seen.extensions.available.includes(name)
      ? warning(`the extension ${name} is not in ${place} yet`, {
          why: 'prepare creates it, if the role may.',
          wayOut: [`As the administrator, in that database: CREATE EXTENSION "${name}";`],
          environment,
        })
      : problem(`the server of ${place} does not have the extension ${name}`, {
          why: 'Migrations that need it fail there.',
          wayOut: ['Have it installed on that server, or leave it out of the config.'],
          environment,
        })
  }
  for (const other of before) {
    if (!other.seen || other.environment.tier !== 'staging') continue
    const compared = { facts: other.seen.facts, where: `on ${other.environment.name}` }
    yield difference(seen.facts, compared, place, environment)
  }
}

function* serverFindings({ environment, place, seen }: Look): Iterable<Found> {
  const { isSuperuser, isEncrypted, isLocal, isReplica, autovacuum, synchronousCommit } = seen!.server
  if (isReplica) {
    yield problem(`${place} is a replica`, {
      why: 'Nothing can be written there.',
      wayOut: [`Let the URL of ${environment.name} lead to the server that it follows.`],
      environment,
    })
  }
  if (isSuperuser) {
    yield warning(`the role of ${environment.name} is a superuser`, {
      why: 'Row-level security and grants do not hold for it, and a fault of the application can destroy other databases, too.',
      wayOut: ['Give the application a role of its own: CREATE ROLE … LOGIN; and make it the owner of its database.'],
      environment,
    })
  }
  if (!isEncrypted && !isLocal) {
    yield warning(`the connection to ${place} is not encrypted`, {
      why: 'Whoever is on the way reads rows, and with some settings passwords.',
      wayOut: ['Add ?sslmode=verify-full to the URL.'],
      environment,
    })
  }
  if (autovacuum === 'off') {
    yield warning(`autovacuum is off at ${place}`, {
      why: 'Tables grow without end, and the server stops in the end, to save its rows.',
      wayOut: ['ALTER SYSTEM SET autovacuum = on;', 'SELECT pg_reload_conf();'],
      environment,
    })
  }
  if (synchronousCommit === 'off') {
    yield warning(`synchronous_commit is off at ${place}`, {
      why: 'A crash loses transactions of which the application was told that they are done.',
      wayOut: ['ALTER SYSTEM SET synchronous_commit = on;', 'SELECT pg_reload_conf();'],
      environment,
    })
  }
}
