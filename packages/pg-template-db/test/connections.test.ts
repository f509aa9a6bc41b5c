import { randomBytes } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { openTemplates } from '../src/index.js'
import { query, site, sqlBuild, until, withClient, type Site } from './support.js'

const numbers = sqlBuild('create table facts (id serial, n integer)')

test('thirty-two clones are made and given back on nine sessions at most', async () => {
  const server = site(18)
  const counting = countSessions(server)
  expect(await cloneTwice(server)).toEqual({ cloned: 32, recycled: 32 })
  expect(await counting.stop()).toBeLessThanOrEqual(9)
})

test('a role with fewer connections makes do with them', async () => {
  const server = await asRole(site(18), { connections: 3 })
  expect(await cloneTwice(server)).toEqual({ cloned: 32, recycled: 32 })
})

test('with none to spare it says whose limit that is, and leaves nothing behind', async () => {
  const server = await asRole(site(18), { connections: 3 })
  const templates = await server.open()
  const template = await templates.ensure({ key: 'k', build: numbers })
  await withClient(server.url, () =>
    withClient(server.url, async () => {
      await expect(templates.clone(template, { count: 4 })).rejects.toMatchObject({
        code: 'CONNECTION_FAILED',
        cause: { code: '53300', message: expect.stringContaining('too many connections for role') as string },
      })
    }),
  )
  await until(async () => (await templates.clone(template).catch(() => [])).length > 0)
  await templates.sweep({ unusedForDays: 0 })
  const left = await server.admin(
    `select from template_db.databases where kind = 'clone' and state <> 'used'`,
    [],
    server.registry,
  )
  expect(left).toEqual([])
})

/** Clones, uses and gives back thirty-two databases, and then does so again. */
async function cloneTwice(server: Site): Promise<{ cloned: number; recycled: number }> {
  const templates = await server.open()
  const template = await templates.ensure({ key: 'k', build: numbers })
  const counts = { cloned: 0, recycled: 0 }
  for (let round = 0; round < 2; round++) {
    const clones = await templates.clone(template, { count: 32 })
    for (const { url, recycled } of clones) {
      counts[recycled ? 'recycled' : 'cloned'] += 1
      await query(url, 'select from facts')
    }
    const released = await Promise.all(clones.map(clone => clone.release({ sessions: 1, clean: true })))
    expect(released.every(({ reusable }) => reusable)).toBe(true)
  }
  return counts
}

/** Looks again and again how many sessions of this package there are at once. */
function countSessions(server: Site): { stop(): Promise<number> } {
  let most = 0
  const stop = new AbortController()
  const counted = withClient(server.urlFor({}), async client => {
    while (!stop.signal.aborted) {
      const { rows } = await client.query<{ sessions: number }>(
        `select count(*)::int as sessions from pg_stat_activity where application_name like $1`,
        [`pg-template-db ${process.pid}@%`],
      )
      most = Math.max(most, rows[0]!.sessions)
    }
  })
  return {
    async stop() {
      stop.abort()
      await counted
      return most
    },
  }
}

/** The same server as another role, whose connections are limited. */
async function asRole(server: Site, { connections }: { connections: number }): Promise<Site> {
  const role = `limited_${randomBytes(6).toString('hex')}`
  await server.admin(`create role ${role} login createdb connection limit ${connections}`)
  const url = new URL(server.url)
  url.username = role
  return {
    ...server,
    url: url.href,
    async open(options = {}) {
      const templates = await openTemplates({ url: url.href, registry: server.registry, ...options })
      onTestFinished(() => templates.close())
      return templates
    },
  }
}
