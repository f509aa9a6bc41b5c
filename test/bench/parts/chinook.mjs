import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inTurns, median, ratios } from '../measuring.mjs'

const data = fileURLToPath(new URL('../../../../shared/data/chinook/', import.meta.url))

export const title = 'Building the template of Chinook'
export const how = `15,607 rows in 11 tables. Seedbed builds the template whole: CREATE DATABASE, \`schema.sql\` as a migration, \`seed.json\` in whatever order it stands, sequences, settings, registry. Beside it the cheapest load there is: one INSERT … SELECT from jsonb_populate_recordset per table, in an order that is known beforehand, in one transaction, on the same server into a database that has the schema; reading and parsing the file included on both sides.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, place, quick }) {
  if (!existsSync(join(data, 'seed.json'))) {
    console.log(`  not measured: the data of Chinook is not at ${data}`)
    return []
  }
  const folder = join(place, 'chinook')
  await mkdir(join(folder, 'migrations'), { recursive: true })
  await mkdir(join(folder, 'seeds'))
  await writeFile(join(folder, 'package.json'), '{ "name": "chinook", "private": true }')
  await cp(join(data, 'schema.sql'), join(folder, 'migrations', '1_schema.sql'))
  await cp(join(data, 'seed.json'), join(folder, 'seeds', 'seed.json'))

  const room = path => project.module('@seedbed/core', `built/${path}.js`)
  const [
    { openServer },
    { planMigrations },
    { findSeeds },
    { ensureTemplate },
    { withDatabase },
    { openTemplates },
    { default: pg },
  ] = await Promise.all([
    room('server/open-server'),
    room('migrations/plan-migrations'),
    room('seeds/find-seeds'),
    room('template/ensure-template'),
    room('server/database-url'),
    project.module('pg-template-db'),
    project.module('pg', 'lib/index.js'),
  ])
  const config = {}
  const server = await openServer({ projectFolder: folder, config })
  const owner = new URL(server.applicationUrl).username
  const templates = await openTemplates({
    url: server.adminUrl,
    registry: 'seedbed_registry',
    owner,
    copy: server.copy,
  })
  const admin = new pg.Client({ connectionString: server.adminUrl })
  await admin.connect()
  const application = async database => {
    const client = new pg.Client({ connectionString: withDatabase(server.applicationUrl, database) })
    await client.connect()
    return client
  }
  try {
    await admin.query(`create database empty owner ${owner}`)
    const empty = await application('empty')
    await empty.query(await readFile(join(data, 'schema.sql'), 'utf8'))
    await empty.end()
    const measured = await inTurns(
      {
        async seedbed(round) {
          // Something must have changed, or there would be nothing to build.
          await writeFile(join(folder, 'migrations', '2_round.sql'), `select 'round ${round}';`)
          const begin = performance.now()
          const [migrations, seeds] = await Promise.all([planMigrations(folder, config), findSeeds(folder, config)])
          const { built } = await ensureTemplate(templates, { server, folder, config, migrations, seeds }, () => {})
          if (built === null) throw new Error('the template was not built')
          return performance.now() - begin
        },
        async bare() {
          await admin.query('drop database if exists bare')
          await admin.query(`create database bare template empty owner ${owner}`)
          const client = await application('bare')
          await client.query('select 1')
          const begin = performance.now()
          await bareLoad(client)
          const milliseconds = performance.now() - begin
          await client.end()
          return milliseconds
        },
      },
      { rounds: quick ? 3 : 15, warmUps: 2 },
    )
    const { median: value, ...rest } = ratios(measured.seedbed, measured.bare)
    return [
      {
        name: 'building the template of Chinook, to INSERT … SELECT',
        value,
        unit: 'times',
        ...rest,
        promise: { below: 3 },
        compared: `${median(measured.seedbed).toFixed(0)} ms to ${median(measured.bare).toFixed(0)} ms`,
      },
    ]
  } finally {
    await admin.end()
    await templates.close()
    await server[Symbol.asyncDispose]()
  }
}

const order =
  'artist album genre media_type track employee customer invoice invoice_line playlist playlist_track'.split(' ')

async function bareLoad(client) {
  const tables = JSON.parse(await readFile(join(data, 'seed.json'), 'utf8'))
  await client.query('begin')
  for (const table of order) {
    const rows = JSON.stringify(tables[table])
    await client.query(`insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1)`, [rows])
  }
  await client.query('commit')
}
