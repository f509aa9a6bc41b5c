import { openWayOut, wayOut } from '@seedbed/postgres-for-tests/way-out'
import { expect, onTestFinished, test } from 'vitest'
import { isSpoiled } from '../../src/run/worker-files.js'
import { db } from '../../src/worker/current.js'
import { openWorker } from '../../src/worker/open-worker.js'
import { aTest, bodies, file, useWorker, within, write } from './support.js'

const place = useWorker()

test('BEGIN, COMMIT and ROLLBACK of the code under test act as on a connection of its own', async () => {
  await within(file, () =>
    within(aTest('transactions'), async () => {
      expect((await db.query('begin')).command).toBe('BEGIN')
      await write('rolled back')
      expect((await db.query('rollback')).command).toBe('ROLLBACK')
      await db.query('start transaction')
      await write('committed')
      expect((await db.query('commit')).command).toBe('COMMIT')
      await db.query('begin')
      await write('lost')
      await expect(db.query('select nonsense')).rejects.toMatchObject({ code: '42703' })
      await expect(write('refused')).rejects.toMatchObject({ code: '25P02' })
      expect((await db.query('commit')).command).toBe('ROLLBACK')
      expect(await bodies()).toEqual(['committed'])
    }),
  )
  expect(await place.committed()).toEqual([])
})

test('savepoints belong into a transaction of the code’s own, as on any connection', async () => {
  await within(file, () =>
    within(aTest('savepoints'), async () => {
      await write('before')
      await expect(db.query('savepoint a')).rejects.toMatchObject({ code: '25P01' })
      await db.query('begin')
      await db.query('savepoint a')
      await write('undone')
      await db.query('rollback to savepoint a')
      await db.query('release a')
      await write('kept')
      await db.query('commit')
      await expect(db.query('release savepoint a')).rejects.toMatchObject({ code: '25P01' })
      expect(await bodies()).toEqual(['before', 'kept'])
    }),
  )
})

test('deferred constraints are checked at the code’s COMMIT, and stay deferred for the next transaction', async () => {
  await within(file, () =>
    within(aTest('deferred'), async () => {
      for (let round = 0; round < 2; round++) {
        await db.query('begin')
        await db.query('insert into pair values (1, 2)')
        await expect(db.query('commit')).rejects.toMatchObject({ code: '23503' })
        await db.query('begin')
        await db.query('insert into pair values (1, 2), (2, 1)')
        await db.query('commit')
        await db.query('delete from pair')
      }
    }),
  )
})

test('what a transaction may ask for is there as on a database of the test’s own', async () => {
  await within(file, () =>
    within(aTest('options'), async () => {
      await db.query('begin isolation level serializable, read only')
      await expect(write('refused')).rejects.toMatchObject({ code: '25006' })
      await db.query('rollback')
      await db.query("begin; insert into note (body) values ('kept'); commit; select 1")
      await db.query('begin')
      await write('chained')
      await db.query('commit and chain')
      await write('undone')
      await db.query('rollback')
      expect(await bodies()).toEqual(['chained', 'kept'])
    }),
  )
  expect(await place.committed()).toEqual([])
})

test('a statement that finds a way to commit gives the database up, for this process and the next', async () => {
  await within(file, async () => {
    await within(aTest('commits'), async () => {
      onTestFinished(openWayOut())
      await db.query("insert into note (body) values ('1')")
      const escaping = db.query(wayOut)
      await expect(escaping).rejects.toThrow(/ended the shared transaction/)
    })
    await expect(place.worker.enter(aTest('next'))).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
  })
  expect(await place.committed()).toEqual(['1'])
  expect(isSpoiled(place.run.folder, 1)).toBe(true)
  const nextProcess = await openWorker({ ...place.run, id: 'the same folder, another process' }, 1)
  await expect(nextProcess.enter(file)).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
  await nextProcess.close()
})
