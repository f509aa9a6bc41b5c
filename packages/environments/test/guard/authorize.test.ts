import { authorizeTemplates } from '@seedbed/environments/guard'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { majors, openShop, refusal, type Shop } from './support.js'

describe.each(majors)('PostgreSQL %i', version => {
  let shop: Shop
  beforeAll(async () => {
    shop = await openShop(version)
  })
  afterAll(async () => {
    expect(await shop.canary()).toBe(49)
    await shop[Symbol.asyncDispose]()
  })
  const authorize = (...[operation, database]: Parameters<ReturnType<typeof authorizeTemplates>>) => {
    const url = shop.urlFor({ user: 'maker', database: 'postgres' })
    return authorizeTemplates({ config: shop.config, variables: {}, url })(operation, database)
  }

  test('what an environment is called is neither made nor dropped', async () => {
    for (const operation of ['create', 'drop'] as const) {
      for (const name of ['test', 'development', 'staging', 'production']) {
        expect(await refusal(authorize(operation, `shop_${name}`))).toBe('GUARD_TEMPLATE_REFUSED')
      }
    }
  })

  test('what is marked is not dropped, also where its marker is strange or came along', async () => {
    await shop.admin('create database template_1 template shop_production owner maker')
    expect(await refusal(authorize('drop', 'template_1'))).toBe('GUARD_TEMPLATE_REFUSED')
    await shop.admin(
      'drop schema seedbed cascade; create schema seedbed; create view seedbed.marker as select 1',
      'template_1',
    )
    expect(await refusal(authorize('drop', 'template_1'))).toBe('GUARD_TEMPLATE_REFUSED')
    await shop.admin('drop schema seedbed cascade', 'template_1')
    await authorize('drop', 'template_1')
  })

  test('what is its own it may make and drop, also what lets nobody in, and what is gone', async () => {
    await authorize('create', 'seedbed_registry')
    await authorize('drop', 'seedbed_0f3a')
    await shop.admin('create database finished owner maker allow_connections false is_template true')
    await authorize('drop', 'finished')
    await authorize('drop', `x"; drop database "shop_staging'; --`)
  })
})
