import { expect, test } from 'vitest'
import { readNotes } from '../../src/run/worker-files.js'
import { db } from '../../src/worker/current.js'
import { aConcurrentTest, aFile, aSuite, aTest, bodies, file, useWorker, within, write } from './support.js'

const place = useWorker()

test('rows of beforeAll are there for the tests of their scope, and gone after it', async () => {
  await within(file, async () => {
    await write('file')
    await within(aSuite('outer'), async () => {
      await write('outer')
      await within(aTest('first'), async () => {
        await write('first')
        expect(await bodies()).toEqual(['file', 'first', 'outer'])
      })
      await within(aSuite('inner'), async () => {
        await write('inner')
        await within(aTest('second'), async () => expect(await bodies()).toEqual(['file', 'inner', 'outer']))
        await within(aTest('third'), async () => expect(await bodies()).toEqual(['file', 'inner', 'outer']))
      })
      await within(aTest('fourth'), async () => expect(await bodies()).toEqual(['file', 'outer']))
    })
    await within(aTest('fifth'), async () => expect(await bodies()).toEqual(['file']))
  })
  await within(aFile('b.test.ts'), async () => expect(await bodies()).toEqual([]))
  expect(await place.committed()).toEqual([])
})

test('a test that the runner never ended ends where the next one starts', async () => {
  await place.worker.enter(file)
  await place.worker.enter(aTest('skipped half-way'))
  await write('left over')
  await within(aTest('next'), async () => expect(await bodies()).toEqual([]))
  await place.worker.leave(file)
})

test('now() is no older than the test where no outer scope has written', async () => {
  await within(file, async () => {
    const times: string[] = []
    for (const name of ['first', 'second']) {
      await within(aTest(name), async () => {
        times.push((await db.query("select to_char(now(), 'HH24:MI:SS.US') as now")).rows[0].now)
      })
    }
    expect(new Set(times).size).toBe(2)
  })
})

test('sequences stand where the template left them after each file', async () => {
  const ids: number[] = []
  for (const name of ['a.test.ts', 'b.test.ts']) {
    await within(aFile(name), async () => {
      await within(aTest('writes'), async () => {
        await write('x')
        await write('y')
        const { rows } = await db.query('select id from note order by id')
        ids.push(...rows.map(row => row.id))
      })
    })
  }
  expect(ids).toEqual([1, 2, 1, 2])
})

test('sequences are set back after a file of concurrent tests alone, too', async () => {
  const ids = []
  for (const name of ['a.test.ts', 'b.test.ts']) {
    const scope = aFile(name)
    await place.worker.enter(scope)
    const only = aConcurrentTest(`only of ${name}`)
    await place.worker.enter(only)
    const own = place.worker.dbOf(only)
    ids.push((await own.query("insert into note (body) values ('x') returning id")).rows)
    own.end()
    await place.worker.leave(only)
    await place.worker.leave(scope)
  }
  expect(ids).toEqual([[{ id: 1 }], [{ id: 1 }]])
})

test('sequences go back after each test where the config says so, also in a scope that has dropped one', async () => {
  place.run.sequences = 'test'
  await within(file, async () => {
    for (const name of ['first', 'second']) {
      await within(aTest(name), async () => {
        await write('x')
        expect((await db.query('select id from note')).rows).toEqual([{ id: 1 }])
      })
    }
    await db.query('drop table note')
    await within(aTest('third'), async () => void (await db.query('select 1')))
  })
})

test('a statement outside of any file is refused, and connects to nothing', async () => {
  await expect(write('nowhere')).rejects.toMatchObject({ code: 'DB_OUTSIDE_FILE' })
  await within(file, async () => {})
  expect(await readNotes(place.run.folder, 1)).toEqual([])
})
