import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Client } from 'pg'
import { restoreSequences } from '../src/index.js'
import { readSequences } from '../src/read-sequences.js'
import { openSession } from '../src/session.js'
import { query, site, withClient } from './support.js'

/** A sequence's definition, and what happens to it before it is read. */
const sequence = fc
  .record({
    type: fc.constantFrom(
      { name: 'smallint', bits: 15n },
      { name: 'integer', bits: 31n },
      { name: 'bigint', bits: 63n },
    ),
    increment: fc.integer({ min: 1, max: 40 }),
    descending: fc.boolean(),
    low: fc.integer({ min: -300, max: 300 }),
    span: fc.integer({ min: 1, max: 500 }),
    atTheEnd: fc.boolean(),
    start: fc.nat(),
    cache: fc.integer({ min: 1, max: 5 }),
    calls: fc.nat({ max: 5 }),
    setBefore: fc.option(fc.record({ to: fc.nat(), called: fc.boolean() })),
    setAfter: fc.option(fc.record({ to: fc.nat(), called: fc.boolean() })),
    callsAfter: fc.nat({ max: 8 }),
    schema: fc.constantFrom('public', 'Odd "schema"'),
    name: fc.constantFrom('s', 'S', 'a "quoted" one', `it's; --`, 'ü'),
  })
  .map(({ type, low, span, atTheEnd, start, setBefore, setAfter, ...rest }) => {
    const min = atTheEnd ? 2n ** type.bits - 1n - BigInt(span) : BigInt(low)
    const max = min + BigInt(span)
    const inside = (n: number) => min + (BigInt(n) % (max - min + 1n))
    const set = (value: { to: number; called: boolean } | null) =>
      value && { to: inside(value.to), called: value.called }
    return {
      ...rest,
      type: type.name,
      min,
      max,
      start: inside(start),
      setBefore: set(setBefore),
      setAfter: set(setAfter),
    }
  })

test('whatever happens to sequences, they go on as if it had not', async () => {
  const server = site(18)
  const template = `twin_${server.registry}`
  await withClient(server.url, client => client.query(`create database ${template}`))
  const url = server.urlFor({ user: 'maker', database: template })
  const session = await openSession(server.url, template)
  const client = new Client(url)
  await client.connect()
  const next = async (name: string, times: number) => {
    const values: string[] = []
    for (let call = 0; call < times; call++) {
      values.push((await client.query<{ nextval: string }>('select nextval($1)', [name])).rows[0]?.nextval ?? '')
    }
    return values
  }
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(sequence, { minLength: 1, maxLength: 6, selector: s => s.schema + s.name }),
        async all => {
          // Each has a twin to which nothing happens after the reading.
          await query(url, 'drop schema if exists "Odd ""schema""", public, twin cascade')
          await query(url, 'create schema "Odd ""schema"""; create schema public; create schema twin')
          const named = all.map((one, index) => ({
            ...one,
            regclass: `${client.escapeIdentifier(one.schema)}.${client.escapeIdentifier(one.name)}`,
            twin: `twin.t${index}`,
          }))
          for (const one of named) {
            for (const name of [one.regclass, one.twin]) {
              const [low, high] = [one.min, one.max]
              await client.query(
                `create sequence ${name} as ${one.type} increment ${one.descending ? -one.increment : one.increment}
                 minvalue ${low} maxvalue ${high} start ${one.start} cache ${one.cache} cycle`,
              )
              await next(name, one.calls)
              if (one.setBefore)
                await client.query('select setval($1, $2, $3)', [name, one.setBefore.to, one.setBefore.called])
            }
          }
          const states = (await readSequences(session)).filter(({ schema }) => schema !== 'twin')
          expect(states).toHaveLength(named.length)
          await client.query('discard sequences')
          for (const one of named) {
            await next(one.regclass, one.callsAfter)
            if (one.setAfter)
              await client.query('select setval($1, $2, $3)', [one.regclass, one.setAfter.to, one.setAfter.called])
          }
          await restoreSequences(client, states)
          await client.query('discard sequences')
          for (const one of named) expect(await next(one.regclass, 4)).toEqual(await next(one.twin, 4))
          expect((await readSequences(session)).length).toBe(named.length * 2)
        },
      ),
      { numRuns: 25 },
    )
  } finally {
    await client.end()
    await session.close()
    await query(server.url, `drop database ${template}`)
  }
})

test('no sequences cost no statement', async () => {
  const client = { query: () => expect.unreachable() }
  await restoreSequences(client, [])
})
