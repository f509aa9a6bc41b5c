import { inspectDatabase } from '@seedbed/environments/guard'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openReadOnly } from '../../dist/guard/read-only-session.js'
import { openShop, run, type Shop } from './support.js'

let shop: Shop
beforeAll(async () => {
  shop = await openShop(18)
})
afterAll(async () => {
  expect(await shop.canary()).toBe(49)
  await shop[Symbol.asyncDispose]()
})
const urlOf = (name: string) => shop.urlFor({ user: 'maker', database: name })

test('a session to look with writes nothing, and what goes wrong in one query is nothing to the next', async () => {
  const session = await openReadOnly(urlOf('shop_production'), 'production', 60_000)
  for (const statement of ['delete from public.canary', 'drop table public.canary', 'create table public.more ()']) {
    await expect(session.query(statement)).rejects.toThrow('in a read-only transaction')
  }
  // Nor does one query open what the next could use.
  await session.query('set search_path = public').catch(() => {})
  expect((await session.query('show search_path')).rows).toEqual([{ search_path: 'pg_catalog, pg_temp' }])
  await session.close()
})

test('a search_path that bends names changes nothing of what is read', async () => {
  const target = {
    ...{ environment: 'staging', tier: 'staging' as const, protected: false, database: 'main' },
    url: urlOf('shop_staging'),
  }
  const options = { config: shop.config, folder: shop.folder, limit: 60_000 }
  const before = await inspectDatabase(target, options)
  expect(before.reading).toMatchObject({ whose: 'ours', marker: { environment: 'staging' }, problem: null })
  await run(
    urlOf('shop_staging'),
    `create function public.current_database() returns name language sql as $$ select 'shop_production'::name $$;
     alter role maker in database shop_staging set search_path = public, pg_catalog`,
  )
  expect((await inspectDatabase(target, options)).reading).toEqual(before.reading)
})
