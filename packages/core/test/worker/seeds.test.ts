import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { writeFacts } from '../../src/run/worker-files.js'
import { loadSeed } from '../../src/seeds/load-seed.js'
import { db, seeds } from '../../src/worker/current.js'
import { aTest, bodies, file, useWorker, within, write } from './support.js'

const place = useWorker()

test('loadSeed adds a file, all or nothing, and it is gone with its test', async () => {
  await writeFile(
    join(place.run.folder, 'more.json'),
    '{ "note": { "one": { "body": "one" }, "two": { "body": "two" } } }',
  )
  await writeFile(join(place.run.folder, 'broken.json'), '{ "note": [{ "body": "three" }, { "body": null }] }')
  await within(file, async () => {
    await within(aTest('loads'), async () => {
      await write('before')
      const { note } = await loadSeed(db, 'more.json')
      expect(note!.one).toMatchObject({ body: 'one' })
      await expect(loadSeed(db, 'broken.json')).rejects.toThrow(/^broken\.json:1:/)
      expect(await bodies()).toEqual(['before', 'one', 'two'])
      await db.query('begin')
      await db.query("delete from note where body = 'before'")
      await loadSeed(db, new URL(`file://${place.run.folder}/more.json`)).catch(() => {})
      await db.query('rollback')
      expect(await bodies()).toEqual(['before', 'one', 'two'])
    })
    expect(await bodies()).toEqual([])
  })
})

test('can be printed and listed', async () => {
  const tables = { note: { columns: [{ name: 'id', type: 23 }], rows: { one: ['1'] } } }
  writeFacts(place.run.folder, { labels: { tables }, sequences: [] })
  expect(inspect(seeds)).toBe('{ note: { one: { id: 1 } } }')
  expect(Object.keys(seeds)).toEqual(['note'])
  expect({ ...seeds }).toEqual({ note: { one: { id: 1 } } })
  await expect(Promise.resolve(seeds)).resolves.toBe(seeds)
})
