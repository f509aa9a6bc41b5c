import { db as plainDb, isolation, seeds as plainSeeds, test, type Db, type Seeds } from '@seedbed/vitest'
import seedbed from '@seedbed/vitest/plugin'
import type { Client, Pool, PoolClient } from 'pg'
import { test as base, describe, expect, expectTypeOf } from 'vitest'
import { defineConfig } from 'vitest/config'

// Types alone: these tests run without Seedbed's plugin, and must not touch a database.
describe('types', () => {
  base('db can be handed to whatever asks for a query function of pg', () => {
    expectTypeOf<Db>().toExtend<Pick<Pool, 'query'>>()
    expectTypeOf<Db>().toExtend<Pick<Client, 'query'>>()
    expectTypeOf<Db>().toExtend<Pick<PoolClient, 'query'>>()
    expectTypeOf(plainDb).toEqualTypeOf<Db>()
  })

  base('the fixtures are typed, and the test is still Vitest’s', () => {
    expectTypeOf(plainSeeds).toEqualTypeOf<Seeds>()
    expectTypeOf(test.concurrent).toBeFunction()
    const typed = () =>
      test('typed', async ({ db, seeds, task }) => {
        expectTypeOf(db).toEqualTypeOf<Db>()
        expectTypeOf(seeds).toEqualTypeOf<Seeds>()
        expectTypeOf(task.name).toBeString()
        const { rows } = await db.query<{ id: number }>('select 1 as id')
        expectTypeOf(rows).toEqualTypeOf<{ id: number }[]>()
        // @ts-expect-error -- a statement has to be text
        void db.query(1)
      })
    expect(typed).toBeTypeOf('function')
  })

  base('isolation gives back the very function that it is given', () => {
    const typed = () => {
      expectTypeOf(isolation('restore', test)).toEqualTypeOf<typeof test>()
      expectTypeOf(isolation('database', describe.each)).toEqualTypeOf<typeof describe.each>()
      expectTypeOf(isolation('restore')).toBeVoid()
      // @ts-expect-error -- there is no such isolation
      isolation('commit')
    }
    expect(typed).toBeTypeOf('function')
  })

  base('the plugin is one', () => {
    expectTypeOf(defineConfig).toBeCallableWith({ plugins: [seedbed()] })
  })
})
