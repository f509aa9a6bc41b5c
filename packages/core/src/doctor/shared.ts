import {
  askedHere,
  configuredEnvironment,
  configuredEnvironments,
  everyDatabase,
  type AskedHere,
  type ConfiguredEnvironment,
} from '@seedbed/environments'
import { availableParallelism } from 'node:os'
import type { Client, QueryResultRow } from 'pg'
import type { Templates } from 'pg-template-db'
import { loadConfig, type LoadedConfig } from '../config/load-config.js'
import { testEnvironment } from '../environment/test-environment.js'
import { registry } from '../run/open-project.js'
import type { Server } from '../server/server.js'
import { CannotCheck } from './finding.js'

/** What checks share: each part is made when the first one asks, once, and failed for all of them if it fails. */
export interface Shared {
  /** Where doctor was called. */
  folder: string
  /** @throws what reading a config throws */
  loaded(): Promise<LoadedConfig & { asked: AskedHere<string> }>
  /** @throws CannotCheck where the config cannot be used */
  project(): Promise<Project>
  /** A server of somebody else's on which tests run, before anybody has looked whose it is. @throws SERVER_…, CannotCheck */
  external(): Promise<Server>
  /** The same where it is sure that tests may run there. @throws CannotCheck */
  testServer(): Promise<TestServer>
  close(): Promise<void>
}

export interface Project extends LoadedConfig {
  asked: AskedHere<string>
  /** Those to look at. */
  environments: ConfiguredEnvironment[]
  /** The tests' own, for the badge. */
  test: Pick<ConfiguredEnvironment, 'name' | 'badge'>
  /** Undefined where Seedbed makes the server. */
  testUrl: string | undefined
}

export type Ask = <Row extends QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>

export interface TestServer {
  server: Server
  /** Asks, in the database of the tests' URL, with a statement that only reads. */
  ask: Ask
  /** What runs have made there; null where no run has been. */
  templates(): Promise<Templates | null>
  /** The same, and as a run does, it makes the registry where it is missing. */
  openTemplates(): Promise<Templates>
}

/** How many workers a runner takes by itself: one a core, at most. */
export const usualWorkers = availableParallelism

export function shareAmongChecks(folder: string, environment: string | undefined): Shared {
  const opened: { close(): Promise<void> }[] = []
  const loaded = once(async () => {
    const config = await loadConfig(folder)
    return { ...config, asked: askedHere({ ...config, environment, purpose: 'command' }) }
  })
  const project = once(() =>
    loaded()
      .then(found => projectOf(found, environment))
      .catch(cannot('the config cannot be used')),
  )
  const external = once(async () => {
    const { testUrl } = await project()
    if (testUrl === undefined) throw new CannotCheck('Seedbed makes the tests’ server itself, when a run starts')
    const { openExternal } = await import('../server/external.js')
    return openExternal(testUrl, { workers: usualWorkers() })
  })
  const testServer = once(async () => {
    const server = await external()
    const { folder: projectFolder, asked } = await project()
    const { refuseProtectedDatabases } = await import('../server/protected-databases.js')
    const closed = everyDatabase(asked).filter(each => each.protected)
    await refuseProtectedDatabases(server.applicationUrl, projectFolder, closed)
    return openTestServer(server, asked, opened)
  })
  return {
    ...{ folder, loaded, project, external },
    testServer: () => testServer().catch(cannot('the server of the tests cannot be used')),
    async close() {
      for (const each of opened.toReversed()) await each.close().catch(() => {}) // it was lost before
    },
  }
}

function projectOf(
  { asked, ...loaded }: LoadedConfig & { asked: AskedHere<string> },
  named: string | undefined,
): Project {
  const { testUrl, environment: test } = testEnvironment(loaded, process.env)
  const environments =
    named === undefined
      ? configuredEnvironments(asked)
      : [configuredEnvironment(named, `seedbed doctor --env ${named}`, asked)]
  return { ...loaded, asked, environments, test, testUrl }
}

async function openTestServer(
  server: Server,
  asked: AskedHere<string>,
  opened: { close(): Promise<void> }[],
): Promise<TestServer> {
  const [{ loadPg }, { authorizeTemplates }] = await Promise.all([
    import('../server/load-pg.js'),
    import('@seedbed/environments/guard'),
  ])
  const url = server.applicationUrl
  const client = new (loadPg().Client)({ connectionString: url, application_name: 'seedbed doctor' })
  client.on('error', () => {}) // the query that runs, or the next, says so
  await client.connect()
  opened.push({ close: () => client.end() })
  const ask = oneByOne(client)
  const openTemplates = once(async () => {
    const { openTemplates } = await import('pg-template-db')
    const { pooler = false, copy } = server
    const authorize = authorizeTemplates({ ...asked, url })
    const templates = await openTemplates({ url, registry, copy, pooler, authorize })
    opened.push(templates)
    return templates
  })
  return {
    ...{ server, ask, openTemplates },
    async templates() {
      const found = await ask('select from pg_catalog.pg_database where datname = $1', [registry])
      return found.length === 0 ? null : openTemplates()
    },
  }
}

/** A client takes one statement at a time, and checks run side by side. */
export function oneByOne(client: Client): Ask {
  let last: Promise<unknown> = Promise.resolve()
  return async <Row extends QueryResultRow>(text: string, values?: unknown[]) => {
    const result = last.then(() => client.query<Row>(text, values))
    last = result.catch(() => {})
    return (await result).rows
  }
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined
  return () => (made ??= make())
}

/** Another check says why; one that was skipped itself says more. */
function cannot(reason: string): (error: unknown) => never {
  return error => {
    throw error instanceof CannotCheck ? error : new CannotCheck(reason)
  }
}
