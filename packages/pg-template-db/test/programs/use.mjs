// A program that uses templates as a test run does, and says where it is. A test kills it.
import pg from 'pg'
import { openTemplates } from 'pg-template-db'

const {
  url,
  registry,
  key,
  sql = 'create table facts (id serial, n integer); insert into facts (n) select generate_series(1, 100)',
  waitForLosers = 0,
  clones = 0,
  hold,
} = JSON.parse(process.argv[2])
const say = (event, details = {}) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`)

say('start')
const templates = await openTemplates({
  url,
  registry,
  authorize: (operation, database) => say(operation, { database }),
  onWait: wait => say('wait', wait),
})
const template = await templates.ensure({
  key,
  async build({ database, url }) {
    say('build', { database })
    const client = new pg.Client(url)
    await client.connect()
    await client.query(sql)
    if (hold === 'build') await new Promise(() => setInterval(() => {}, 1000))
    for (let losers = 0; losers < waitForLosers;) {
      const { rows } = await client.query(
        `select count(*)::int as losers from pg_locks l join pg_database d on d.oid = l.database
          where l.locktype = 'advisory' and not l.granted and d.datname = $1`,
        [registry],
      )
      losers = rows[0].losers
    }
    await client.end()
    return { by: process.pid }
  },
})
say('template', template)
if (clones > 0) {
  const made = await templates.clone(template, { count: clones })
  say('clones', { clones: made })
  if (hold === 'clones') await new Promise(() => setInterval(() => {}, 1000))
  for (const { url } of made) {
    const client = new pg.Client(url)
    await client.connect()
    await client.query('begin; insert into facts (n) values (1); rollback')
    await client.end()
  }
  say('used')
  await Promise.all(made.map(clone => clone.release({ sessions: 1, clean: true })))
  say('released')
}
await templates.close()
say('end')
