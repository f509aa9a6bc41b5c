import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { claimDatabase, openGuarded, type GuardTarget, type Operation } from '@seedbed/environments/guard'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { connectionsTo, openAlias, openShop, refusal, run, type Shop } from './support.js'

const password = 'hunter2/with@signs'
let shop: Shop
beforeAll(async () => {
  shop = await openShop(18)
})
afterAll(() => shop[Symbol.asyncDispose]())

const withPassword = (url: string) => {
  const result = new URL(url)
  result.password = password
  return result.href
}

test('no password in an error, in a session that is printed, or in anything that is written', async () => {
  await using alias = await openAlias(shop.server)
  const spellings = [password, encodeURIComponent(password), 'hunter2']
  const environments = Object.fromEntries(
    Object.entries(shop.config.environments!).map(([name, { url }]) => [name, { url: withPassword(url!) }]),
  )
  const options = {
    ...shop.options,
    config: { environments },
    variables: { PGPASSWORD: password, DATABASE_URL: withPassword('postgresql://ada@h/d') },
    command: `seedbed reset --url ${withPassword('postgresql://ada@h/d')} --password ${password}`,
  }
  const said: string[] = []
  const attempt = async (target: GuardTarget, operation: Operation) => {
    try {
      await using session = await openGuarded(target, operation, options)
      said.push(JSON.stringify(session), inspect(session, { depth: null }))
      await session.query('no sql')
    } catch (error) {
      const { message, stack, cause } = error as Error
      said.push(message, String(stack), JSON.stringify(error), String((cause as Error | undefined)?.stack))
    }
  }
  const target = (name: string, url?: string) => shop.target(name, url && withPassword(url))
  await shop.admin(`create role stranger login password 'x'`)
  const urls = [
    undefined,
    shop.urlFor({ user: 'maker', database: 'none' }),
    shop.urlFor({ user: 'nobody', database: 'shop_test' }),
    shop.urlFor({ user: 'maker', database: 'shop_production' }),
    `postgresql://maker@127.0.0.1:${alias.port}/shop_production`,
    'postgresql://maker@127.0.0.1:1/shop_test',
    'postgresql://maker@no-such-host.invalid/shop_test',
  ]
  for (const url of urls)
    for (const operation of ['reset', 'drop', 'migrate'] as const) await attempt(target('test', url), operation)
  for (const name of ['production', 'staging', 'development']) await attempt(target(name), 'reset')
  const broken = { main: { url: `postgresql://ada:${password}@h:x/d`, database: 'd' } }
  await attempt({ ...target('test'), environment: { ...target('test').environment, databases: broken } }, 'reset')
  await claimDatabase(target('test'), options, async summary => said.push(JSON.stringify(summary)) > 0)

  const files = await readdir(shop.folder, { recursive: true, withFileTypes: true })
  for (const file of files.filter(each => each.isFile()))
    said.push(await readFile(join(file.parentPath, file.name), 'utf8'))
  expect(said.length).toBeGreaterThan(80)
  expect(said.some(text => text.includes('"command":"seedbed reset'))).toBe(true)
  for (const text of said) for (const secret of spellings) expect(text).not.toContain(secret)
})

test('without a log nothing is destroyed, and nobody connects; the rest goes on and says so on standard error', async () => {
  await writeFile(join(shop.folder, 'file'), '')
  await mkdir(join(shop.folder, 'log'))
  const written: string[] = []
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(text => written.push(String(text)) > 0)
  try {
    for (const file of ['file/audit.jsonl', 'log']) {
      const options = { ...shop.options, config: { ...shop.config, audit: { file } } }
      const connections = await connectionsTo(shop, 'shop_test', async () => {
        for (const operation of ['reset', 'drop', 'truncate', 'overwrite'] as const) {
          expect(await refusal(openGuarded(shop.target('test'), operation, options))).toBe('AUDIT_UNWRITABLE')
        }
        expect(await refusal(claimDatabase(shop.target('test'), options, async () => true))).toBe('AUDIT_UNWRITABLE')
      })
      expect(connections).toBe(0)
      written.length = 0
      await using session = await openGuarded(shop.target('test'), 'migrate', options)
      expect(session.operation).toBe('migrate')
      expect(written.map(line => JSON.parse(line))).toEqual([
        expect.objectContaining({ operation: 'migrate', decision: 'allowed' }),
      ])
    }
  } finally {
    write.mockRestore()
    await rm(join(shop.folder, 'log'), { recursive: true })
  }
})

test.skipIf(process.platform !== 'linux')(
  'a log on a full disk refuses what the guard would have let through',
  async () => {
    await run(shop.urlFor({ user: 'maker', database: 'shop_test' }), 'create table public.kept as select 1 as id')
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const options = { ...shop.options, config: { ...shop.config, audit: { file: '/dev/full' } } }
    expect(await refusal(openGuarded(shop.target('test'), 'reset', options))).toBe('AUDIT_UNWRITABLE')
    expect(await refusal(claimDatabase(shop.target('test'), options, async () => true))).toBe('AUDIT_UNWRITABLE')
    write.mockRestore()
    await using session = await openGuarded(shop.target('test'), 'reset', shop.options)
    expect((await session.query('select from public.kept')).rows).toHaveLength(1)
  },
)
