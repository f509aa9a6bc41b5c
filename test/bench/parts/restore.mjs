import { fork } from 'node:child_process'
import { once } from 'node:events'
import { startPostgres } from '@seedbed/postgres-for-tests'
import pg from 'pg'
import { inTurns, median, ratios, summary } from '../measuring.mjs'

export const title = 'Putting rows back after real commits'
export const how = `A template with tables of equal size (a serial key, a text, a foreign key to the table before it with an index, a time) is prepared and cloned. A test of three tables adds a row to each, changes one and removes one, each in a transaction of its own; then the database is put back. Beside it, on other clones of the same template: TRUNCATE of all tables and a reload by one INSERT of many rows for each, as from a file, and DROP DATABASE, CREATE DATABASE … STRATEGY FILE_COPY and a connection. The clean look is a call where nothing was written, less two round trips of \`select 1\` in the same session. With writers: four sessions of another process write and commit in databases of their own on the same server all the while. The server has the settings of the embedded one. As of tests that come through the sandbox and leave nothing open, it is known that no session is in the middle of something, and that no sequence has moved but for rows that were written. Each way is as in a suite that has only this one: in its turn the first call is not counted, for a TRUNCATE of everything and a DROP DATABASE empty the caches of all sessions of a server; of putting back the median of the next five counts.`

const large = { tables: 150, rows: 50_100 }
const curve = [
  ...[504, 5_040, 50_100, 200_000, 1_000_000].map(rows => ({ tables: 12, rows })),
  ...[500, 5_000].map(rows => ({ tables: 150, rows })),
  large,
  ...[200_000, 1_000_000].map(rows => ({ tables: 150, rows })),
  ...[5_000, 50_000, 200_000, 1_000_000].map(rows => ({ tables: 1_000, rows })),
]

/** What the sandbox says of such tests. */
const nothingLeft = () => ({ mayBeOpen: false, mayHaveMoved: false })

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, place, quick }) {
  const { settings } = await project.module('@seedbed/core', 'built/server/settings.js')
  const server = await startPostgres({ under: place, settings })
  try {
    const rooms = {
      ...(await project.module('@seedbed/core', 'built/restore/restore.js')),
      ...(await project.module('@seedbed/core', 'built/restore/prepare-restore.js')),
    }
    const figures = []
    await makeTemplate(server, rooms, large)
    figures.push(...(await promised(server, rooms, { quick, who: 'alone' })))
    const writers = await startWriters(server, project)
    try {
      figures.push(...(await promised(server, rooms, { quick, who: 'four workers writing' })))
    } finally {
      writers.kill()
      await once(writers, 'exit')
    }
    for (const size of curve) {
      if (size !== large) await makeTemplate(server, rooms, size)
      figures.push(...(await ofSize(server, rooms, size, quick)))
    }
    return figures
  } finally {
    await server.stop()
  }
}

const nameOf = ({ tables, rows }) => `template_${tables}_${rows}`

async function makeTemplate(server, { prepareRestore }, size) {
  const admin = await connect(server, 'postgres')
  await admin.query(`create database ${nameOf(size)}`)
  const client = await connect(server, nameOf(size))
  for (let table = 0; table < size.tables; table++) {
    const parent = `t${Math.max(0, table - 1)}`
    await client.query(
      `create table t${table} (id serial primary key, v text, parent int references ${parent}, at timestamptz default now())`,
    )
    await client.query(`create index on t${table} (parent)`)
    await client.query(
      `insert into t${table} (v, parent) select 'row ' || g, 1 from generate_series(1, ${Math.round(size.rows / size.tables)}) g`,
    )
  }
  await prepareRestore(client)
  await client.query('vacuum analyze')
  await client.end()
  await admin.end()
}

async function promised(server, { openRestore }, { quick, who }) {
  const admin = await connect(server, 'postgres')
  await clone(admin, 'restored', large)
  await clone(admin, 'reloaded', large)
  await clone(admin, 'dropped', large)
  const application = await connect(server, 'restored')
  const restore = await openRestore({ url: server.urlFor({ database: 'restored' }), told: nothingLeft })
  const reloaded = await connect(server, 'reloaded')
  await reloaded.query('drop event trigger seedbed_restore_ddl; drop event trigger seedbed_restore_drop')
  const tables = Array.from({ length: large.tables }, (_, table) => `t${table}`)
  const inserts = []
  for (const table of tables) {
    await reloaded.query(`drop trigger seedbed_restore on ${table}`)
    const { rows } =
      await reloaded.query(`select quote_literal(t.id) || ', ' || quote_literal(t.v) || ', ' || quote_literal(t.parent)
      || ', ' || quote_literal(t.at) as values from ${table} t`)
    inserts.push(`insert into ${table} values (${rows.map(({ values }) => values).join('), (')})`)
  }
  const reload = [`truncate ${tables.join(', ')}`, ...inserts].join(';')
  const times = await inTurns(
    {
      restore: () => steady(5, () => dirtyAndPutBack(application, restore)),
      reload: () => steady(1, () => timed(() => reloaded.query(reload))),
      clone: () =>
        steady(1, () =>
          timed(async () => {
            await admin.query('drop database dropped')
            await clone(admin, 'dropped', large)
            const client = await connect(server, 'dropped')
            await client.query('select 1')
            await client.end()
          }),
        ),
    },
    { rounds: quick ? 3 : 15, warmUps: 2 },
  )
  const look = await looks(application, restore, quick ? 50 : 400)
  await Promise.all([restore.close(), application.end(), reloaded.end()])
  for (const name of ['restored', 'reloaded', 'dropped']) await admin.query(`drop database ${name} with (force)`)
  await admin.end()
  const faster = (name, other, atLeast) => {
    const { median: value, spread, rounds } = ratios(times[other], times.restore)
    const compared = `${median(times.restore).toFixed(2)} ms to ${median(times[other]).toFixed(1)} ms`
    return { name: `${name}, ${who}`, value, unit: 'times', spread, rounds, promise: { atLeast }, compared }
  }
  return [
    faster('3 of 150 tables, quicker than TRUNCATE and reload', 'reload', 300),
    faster('3 of 150 tables, quicker than drop and clone', 'clone', 40),
    {
      name: `a clean look, less two round trips, ${who}`,
      value: look.more.median,
      unit: 'ms',
      spread: look.more.spread,
      rounds: look.more.rounds,
      promise: { below: 0.2 },
      compared: look.compared,
    },
  ]
}

async function ofSize(server, { openRestore }, size, quick) {
  const admin = await connect(server, 'postgres')
  await clone(admin, 'sized', size)
  const application = await connect(server, 'sized')
  const restore = await openRestore({ url: server.urlFor({ database: 'sized' }), told: nothingLeft })
  const times = []
  for (let round = -2; round < (quick ? 3 : 15); round++) {
    const time = await dirtyAndPutBack(application, restore)
    if (round >= 0) times.push(time)
  }
  const look = await looks(application, restore, quick ? 30 : 100)
  await Promise.all([restore.close(), application.end()])
  await admin.query('drop database sized with (force)')
  await admin.end()
  const name = `${size.tables.toLocaleString('en')} tables, ${size.rows.toLocaleString('en')} rows: 3 tables put back`
  const { median: value, spread, rounds } = summary(times)
  const point = { series: `${size.tables.toLocaleString('en')} tables`, x: size.rows, y: value }
  return [{ name, value, unit: 'ms', spread, rounds, point, compared: `a clean look ${look.compared}` }]
}

async function dirtyAndPutBack(application, restore) {
  for (const table of ['t0', 't5', 't11']) {
    await application.query(`insert into ${table} (v) values ('new')`)
    await application.query(`update ${table} set v = 'changed' where id = 2`)
    await application.query(`delete from ${table} where id = 3`)
  }
  let done
  const time = await timed(async () => (done = await restore.putBack()))
  if (done.tables.length !== 3 || done.afresh.length > 0) throw new Error(`not put back: ${JSON.stringify(done)}`)
  return time
}

/** Reads before each look, as a test does that writes nothing. */
async function looks(application, restore, rounds) {
  const { look, trip } = await inTurns(
    {
      look: async () => {
        await application.query('select from t1 where id = 1')
        return timed(() => restore.putBack())
      },
      trip: () => timed(() => application.query({ name: 'trip', text: 'select 1' })),
    },
    { rounds, warmUps: 10 },
  )
  const more = summary(look.map((time, round) => time - 2 * trip[round]))
  const compared = `${median(look).toFixed(3)} ms, a round trip ${median(trip).toFixed(3)} ms`
  return { more, compared }
}

async function startWriters(server, project) {
  const admin = await connect(server, 'postgres')
  const names = [1, 2, 3, 4].map(number => `writer_${number}`)
  for (const name of names) await clone(admin, name, large)
  await admin.end()
  const child = fork(
    project.program('writers.mjs'),
    names.map(database => server.urlFor({ database })),
    { env: { PATH: process.env.PATH, HOME: process.env.HOME } },
  )
  await once(child, 'message')
  return child
}

async function clone(admin, name, size) {
  await admin.query(`create database ${name} template ${nameOf(size)} strategy file_copy`)
}

async function connect(server, database) {
  const client = new pg.Client(server.urlFor({ database }))
  await client.connect()
  return client
}

/** One call after the other, of which the first is not counted. */
async function steady(times, work) {
  await work()
  const counted = []
  for (let time = 0; time < times; time++) counted.push(await work())
  return median(counted)
}

async function timed(work) {
  const start = performance.now()
  await work()
  return performance.now() - start
}
