import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startRun, type Run } from '../../src/run/start-run.js'
import { db } from '../../src/worker/current.js'
import { openScopes, type WorkerScopes } from '../../src/worker/scopes.js'
import { useProject } from '../run/support.js'
import { aFile, aTest, within } from './support.js'

let server: PostgresForTests
let run: Run
let scopes: WorkerScopes
const project = useProject()

beforeAll(async () => void (server = await startPostgres()))
afterAll(() => server.stop())
const add = (name: string) => db.query('insert into item (name) values ($1)', [name])
const names = async () => (await db.query('select name from item order by id')).rows.map(({ name }) => name)

describe.each([
  { where: 'in this thread', ownThread: false },
  { where: 'in a thread of its own', ownThread: true },
])('$where', ({ ownThread }) => {
  beforeEach(async () => {
    process.env.TEST_DATABASE_URL = server.url
    await project.write({
      'migrations/1.sql': 'create table item (id int generated always as identity primary key, name text)',
      'seeds/item.json': '{ "item": [{ "name": "of the seed" }] }',
      'seedbed.config.json': JSON.stringify({ isolation: 'restore', ownThread }),
    })
    run = await startRun({ folder: project.folder, slots: 1 })
    scopes = await openScopes(run.handle, 1)
  })
  afterEach(async () => {
    await scopes.close()
    await run.close()
  })

  test('what is committed between tests lasts until the end of their file, however often, and not longer', async () => {
    await within(aFile('a.test.ts'), async () => {
      await add('of beforeAll')
      await within(aTest('first'), () => add('of the first'))
      await add('between')
      await within(aTest('second'), async () =>
        expect(await names()).toEqual(['of the seed', 'of beforeAll', 'between']),
      )
      // One that only reads, as whoever polls does.
      await names()
      await within(aTest('third'), async () =>
        expect(await names()).toEqual(['of the seed', 'of beforeAll', 'between']),
      )
    })
    await within(aFile('b.test.ts'), async () => {
      await within(aTest('of the next file'), async () => expect(await names()).toEqual(['of the seed']))
    })
  })

  test('a transaction that beforeAll has left open is ended and named', async () => {
    const printed: string[] = []
    scopes.print = line => printed.push(line)
    const client = new pg.Client(scopes.assigned.variables.DATABASE_URL!)
    client.on('error', () => {})
    await client.connect()
    await within(aFile('a.test.ts'), async () => {
      await client.query(`set application_name = 'shop'; begin`)
      await client.query(`insert into item (name) values ('left open')`)
      await within(aTest('first'), async () => expect(await names()).toEqual(['of the seed']))
    })
    await client.end()
    expect(printed.join('\n')).toMatch(
      /^seedbed  file .* came to a test while a session of .* \(shop, .*\) was in the midst of a transaction; it was ended$/,
    )
  })
})
