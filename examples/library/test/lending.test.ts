import { db, seeds, test } from '@seedbed/vitest'
import { beforeAll, describe, expect } from 'vitest'
import { lend, reminders, takeBack } from '../src/lending.ts'

const status = async (copyId: unknown) =>
  (await db.query('select status from copy where id = $1', [copyId])).rows[0].status

describe('lending', () => {
  test('takes a copy off the shelf', async () => {
    expect(await lend(1, 1, '2030-01-01')).not.toBeNull()
    expect(await status(seeds.copy.orlando.id)).toBe('on loan')
  })

  test('finds that copy on the shelf again in the next test', async () => {
    expect(await status(seeds.copy.orlando.id)).toBe('on shelf')
  })

  test('takes the second copy where the first is out', async () => {
    const loan = await lend(2, 1, '2030-01-01')
    const { rows } = await db.query('select copy_id from loan where id = $1', [loan])
    expect(rows).toEqual([{ copy_id: seeds.copy.taocpSecond.id }])
  })

  test('has nothing to lend where the only copy is lost', async () => {
    expect(await lend(3, 1, '2030-01-01')).toBeNull()
  })

  test('refuses two open loans of one copy', async () => {
    const twice = db.query("insert into loan (copy_id, member_id, due_on) values (2, 1, '2030-01-01')")
    await expect(twice).rejects.toMatchObject({ code: '23505', constraint: 'one_open_loan_per_copy' })
    expect(await status(seeds.copy.taocp.id)).toBe('on loan')
  })
})

describe('reminders', () => {
  beforeAll(async () => {
    await db.query("insert into loan (copy_id, member_id, lent_at, due_on) values (1, 1, '2020-01-01', '2020-02-01')")
  })

  test('go to those who are late and want them', async () => {
    expect(await reminders('2020-03-01')).toEqual(['grace@example.org'])
  })

  test('go to nobody before the day', async () => {
    expect(await reminders('2020-01-30')).toEqual([])
  })

  test('go to nobody who has brought the book back', async () => {
    await takeBack(String(seeds.loan.overdue.id))
    expect(await reminders('2020-03-01')).toEqual([])
    expect(await status(seeds.copy.taocp.id)).toBe('on shelf')
  })
})
