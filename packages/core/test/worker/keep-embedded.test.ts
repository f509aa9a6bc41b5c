import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { RunReport } from '../../src/run/report.js'
import { startRun } from '../../src/run/start-run.js'
import { db } from '../../src/worker/current.js'
import { openScopes } from '../../src/worker/scopes.js'
import { useProject } from '../run/support.js'
import { aFile, aTest, within } from './support.js'

const project = useProject()

test('on the embedded server the command that is printed opens what was kept, also after the run', async () => {
  process.env.SEEDBED_KEEP = 'failed'
  delete process.env.TEST_DATABASE_URL
  await project.write({
    'migrations/1.sql': 'create table item (id int generated always as identity primary key, name text)',
    'seeds/item.json': '{ "item": [{ "name": "of the seed" }] }',
  })
  const start = () => startRun({ folder: project.folder, slots: 1 })

  const run = await start()
  const scopes = await openScopes(run.handle, 1, { print: () => {} })
  await within(aFile('src/item.test.ts'), () =>
    within({ ...aTest("isn't it"), failed: true }, () => db.query("insert into item (name) values ('of the test')")),
  )
  await scopes.close()
  const [{ command, password }] = (await run.close()).kept as [RunReport['kept'][number]]
  expect(password).toBeNull()
  expect(command).toMatch(
    /^npx seedbed run -- psql 'postgresql:\/\/seedbed_app@%2F[^']*\/kept_item_isn_t_it_[0-9a-f]{8}'$/,
  )

  // What stands for npx and psql: the next run starts the server, and whoever connects needs no password.
  const psql = `psql() { "${process.execPath}" -e '${reader}' "$@"; }; npx() { shift 3; "$@"; }`
  const next = await start()
  const { stdout } = await promisify(execFile)('sh', ['-c', `${psql}; ${command}`], {
    cwd: dirname(fileURLToPath(import.meta.url)),
  })
  await next.close()
  expect(JSON.parse(stdout)).toEqual([['of the seed'], ['of the test']])
})

const reader = `
  const client = new (require("pg").Client)(process.argv[1])
  client.connect()
    .then(() => client.query({ text: "select name from item order by id", rowMode: "array" }))
    .then(({ rows }) => console.log(JSON.stringify(rows)))
    .finally(() => client.end())`
