import { printableUrl } from '@seedbed/environments'
import type { Client } from 'pg'
import { loadPg } from '../server/load-pg.js'
import { ok, problem, skipped, warning, type Check, type Found } from './finding.js'
import type { Project, TestServer } from './shared.js'
import { tryRights, type Tried } from './try-rights.js'

export const checkRights: Check = {
  name: 'rights',
  about:
    'What the role of the tests has to be allowed, each tried: to create and drop databases, and in one of its own schemas, tables, rows, sequences, functions, triggers and the config’s extensions. In the tests’ database itself the same, rolled back',
  async *run(shared) {
    const project = await shared.project()
    if (project.testUrl === undefined) {
      yield skipped('Seedbed makes the tests’ server and their role itself; each run finds its databases its own', {
        environment: project.test,
      })
      return
    }
    const server = await shared.testServer()
    yield* inDatabaseOfItsOwn(server, project)
    yield await inTestDatabase(server, project)
  },
}

/**
 * As a run does it: through the registry, which knows of the database before it is there. A doctor that is killed leaves it to the next
 * doctor or run, which drops it.
 */
async function* inDatabaseOfItsOwn(
  { openTemplates, server }: TestServer,
  { config, test: environment }: Project,
): AsyncIterable<Found> {
  const templates = await openTemplates()
  let tried: Tried[] | undefined
  const wasTried = new Error('its database is of no more use')
  await templates
    .ensure({
      key: 'seedbed doctor',
      build: async ({ url }) => {
        tried = await inside(url, client => tryRights(client, config.extensions ?? []))
        // What is not finished is dropped.
        throw wasTried
      },
    })
    .catch((error: unknown) => {
      if (error !== wasTried) throw error
    })
  const left = await templates.list()
  const stays = left.find(({ key, leased }) => key === 'seedbed doctor' && !leased)
  if (stays) {
    yield warning(`the database ${stays.database}, made to try the rights, could not be dropped yet`, {
      why: 'Somebody else is in it, or it has to be seen to by the registry.',
      wayOut: ['The next doctor, or the next run, drops it.'],
      environment,
    })
  }
  const refused = tried!.filter(each => each.refused !== null)
  for (const { right, refused: reason } of refused) {
    const extension = /^create the extension (.+)$/.exec(right)?.[1]
    yield problem(`the role of the tests may not ${right} in a database of its own: ${reason}`, {
      why: 'No template can be built, and no test starts.',
      wayOut: extension === undefined ? [wayOutOf(right, server.applicationUrl)] : waysToExtension(extension),
      environment,
    })
  }
  if (refused.length === 0) {
    yield ok(`${tried!.length} rights tried in a database of its own, from creating it to dropping it: all are given`, {
      environment,
    })
  }
}

/** A run makes databases of its own beside it; commands and scripts that work in it do not. */
async function inTestDatabase({ server }: TestServer, { test: environment }: Project): Promise<Found> {
  const tried = await inside(server.applicationUrl, client => tryRights(client, []))
  const refused = tried.filter(each => each.refused !== null)
  const url = printableUrl(server.applicationUrl)
  if (refused.length === 0) return ok(`and the same in ${url} itself`, { environment })
  const [{ right, refused: reason }] = refused as [Tried]
  const { escapeIdentifier } = loadPg()
  const { username, pathname } = new URL(server.applicationUrl)
  const [database, role] = [pathname.slice(1), username].map(each => escapeIdentifier(decodeURIComponent(each)))
  return warning(`in ${url} itself the role of the tests may not ${right}: ${reason}`, {
    why: 'Runs do without: they make databases of their own. What works in that very database cannot.',
    wayOut: [`GRANT CREATE, TEMPORARY ON DATABASE ${database} TO ${role};`],
    environment,
  })
}

async function inside<Value>(url: string, work: (client: Client) => Promise<Value>): Promise<Value> {
  const client = new (loadPg().Client)({ connectionString: url, application_name: 'seedbed doctor' })
  client.on('error', () => {}) // the statement that runs, or the next, says so
  await client.connect()
  try {
    // If this process is killed, the server notices; on Windows it cannot be set.
    await client.query(`set client_connection_check_interval = '1s'`).catch(() => {})
    return await work(client)
  } finally {
    await client.end()
  }
}

function wayOutOf(right: string, url: string): string {
  const role = loadPg().escapeIdentifier(decodeURIComponent(new URL(url).username))
  if (right === 'create a function' || right === 'create a trigger') {
    return `In template1: GRANT USAGE ON LANGUAGE plpgsql TO ${role};`
  }
  return `In template1, take back what was changed there: \\ddp in psql lists default privileges, select * from pg_event_trigger what else may refuse.`
}

function waysToExtension(extension: string): string[] {
  const name = loadPg().escapeIdentifier(extension)
  return [
    `As a superuser, in template1, from which new databases are made: CREATE EXTENSION ${name};`,
    `If it is not installed: select name from pg_available_extensions; lists what is.`,
    `Or take ${extension} out of extensions in seedbed.config.`,
  ]
}
