import { connectionsNeeded } from '../server/connections.js'
import type { Server } from '../server/server.js'
import { ok, warning, type Check } from './finding.js'
import { foundBy } from './found-by.js'
import { usualWorkers } from './shared.js'

interface Settings {
  version: string
  connections: string
  locks: string
  standardStrings: string
  idleLimit: string
  idleInTransactionLimit: string
}

export const checkServer: Check = {
  name: 'server',
  about:
    'The server of `environments.test`: whether it answers and is PostgreSQL 15 to 18, takes a run’s connections, and whether its settings suit a run',
  async *run(shared) {
    const { test: environment } = await shared.project()
    let server: Server
    try {
      server = await shared.external()
    } catch (error) {
      yield foundBy(error, environment)
      return
    }
    const workers = usualWorkers()
    yield ok(`${server.description} answers, and has room for ${workers} workers`, { environment })
    if (Number.parseInt(server.version, 10) > 18) {
      yield warning(`PostgreSQL ${server.version} is newer than what Seedbed has been tested with`, {
        why: 'It is tested with 15 to 18.',
        wayOut: ['If something is strange, try one of those first.'],
        environment,
      })
    }
    const { ask } = await shared.testServer()
    const found = (await ask<Settings>(settingsQuery))[0]!
    const said = [...remarks(found)]
    for (const [text, why, ...wayOut] of said) yield warning(text, { why, wayOut, environment })
    if (said.length === 0) {
      yield ok(
        `max_connections is ${found.connections} (a run takes ${connectionsNeeded(workers)}), and its other settings suit a run`,
        { environment },
      )
    }
  },
}

function* remarks(found: Settings): Iterable<[found: string, why: string, ...wayOut: string[]]> {
  if (Number(found.locks) < 64) {
    yield [
      `max_locks_per_transaction is ${found.locks}`,
      'A test’s transaction holds a lock for each table and index that it touches, and a template can have hundreds.',
      'ALTER SYSTEM SET max_locks_per_transaction = 256;',
      'Then restart the server.',
    ]
  }
  if (found.standardStrings !== 'on') {
    yield [
      'standard_conforming_strings is off for the role of the tests',
      'A backslash in a string means something else than in every other database, so that seeds and queries do.',
      'ALTER ROLE CURRENT_USER RESET standard_conforming_strings;',
    ]
  }
  for (const [name, value] of [
    ['idle_session_timeout', found.idleLimit],
    ['idle_in_transaction_session_timeout', found.idleInTransactionLimit],
  ] as const) {
    if (value === '0') continue
    yield [
      `${name} is ${value} for the role of the tests`,
      'A run’s sessions wait between tests, and longer than that while somebody debugs: the server ends them.',
      `ALTER ROLE CURRENT_USER SET ${name} = 0;`,
    ]
  }
}

const settingsQuery = `
  select current_setting('server_version') as version, current_setting('max_connections') as connections,
    current_setting('max_locks_per_transaction') as locks,
    current_setting('standard_conforming_strings') as "standardStrings",
    current_setting('idle_session_timeout') as "idleLimit",
    current_setting('idle_in_transaction_session_timeout') as "idleInTransactionLimit"`
