import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { assertGuarded, claimDatabase, inspectDatabase, openGuarded } from '@seedbed/environments/guard'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openShop, refusal, run, type Shop } from './support.js'

const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin']
const isThere = folders.some(folder => existsSync(join(folder, 'pgbouncer')))

describe.skipIf(!isThere)('behind PgBouncer', () => {
  let shop: Shop
  beforeAll(async () => {
    shop = await openShop(18)
  })
  afterAll(async () => {
    expect(await shop.canary()).toBe(49)
    await shop[Symbol.asyncDispose]()
  })

  test.each(['transaction', 'statement'])('in %s mode it is refused', async mode => {
    await using pooler = await startPgBouncer(shop, mode)
    const target = shop.target('test', pooler.url)
    for (const operation of ['reset', 'drop', 'migrate', 'create'] as const) {
      expect(await refusal(openGuarded(target, operation, shop.options))).toBe('GUARD_POOLER')
    }
    expect(await refusal(claimDatabase(target, shop.options, async () => true))).toBe('GUARD_POOLER')
    // And those who share the session with us find it as it was.
    expect(await run(pooler.url, 'show search_path')).toEqual([{ search_path: '"$user", public' }])
  })

  test('in session mode the session is one, and the lock is held', async () => {
    await using pooler = await startPgBouncer(shop, 'session')
    await using session = await openGuarded(shop.target('test', pooler.url), 'reset', shop.options)
    assertGuarded(session, 'reset')
    expect(await refusal(claimDatabase(shop.target('test'), shop.options, async () => true))).toBe('GUARD_BUSY')
  })

  test('to look needs no session of its own, and leaves nothing behind on one that is shared', async () => {
    await using pooler = await startPgBouncer(shop, 'transaction')
    const target = { environment: 'test', tier: 'test' as const, protected: false, database: 'main', url: pooler.url }
    const { reading } = await inspectDatabase(target, { config: shop.config, folder: shop.folder, limit: 60_000 })
    expect(reading.whose).toBe('ours')
    expect(await run(pooler.url, 'show search_path')).toEqual([{ search_path: '"$user", public' }])
    expect(await run(pooler.url, 'show transaction_read_only')).toEqual([{ transaction_read_only: 'off' }])
  })

  test('a name that it maps to another database is refused', async () => {
    await using pooler = await startPgBouncer(shop, 'session', 'shop_production')
    expect(await refusal(openGuarded(shop.target('test', pooler.url), 'reset', shop.options))).toBe(
      'GUARD_OTHER_DATABASE',
    )
  })
})

/** @param dbname what `shop_test` is on the server */
async function startPgBouncer({ server }: Shop, mode: string, dbname = 'shop_test') {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-pooler-'))
  const owner = await stat(join(server.folder, 'data'))
  const port = await freePort()
  const to = `host=${server.folder} port=5432 user=maker`
  const log = join(folder, 'log')
  await writeFile(
    join(folder, 'pgbouncer.ini'),
    `[databases]
shop_test = ${to} dbname=${dbname}
* = ${to}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
ignore_startup_parameters = extra_float_digits
logfile = ${log}
`,
  )
  await chmod(folder, 0o755)
  await chown(folder, owner.uid, owner.gid)
  const child = spawn('pgbouncer', ['-q', join(folder, 'pgbouncer.ini')], {
    stdio: 'ignore',
    env: { PATH: folders.join(':') },
    ...(process.geteuid?.() === 0 && { uid: owner.uid, gid: owner.gid }),
  })
  const ended = once(child, 'close')
  const url = `postgresql://maker@127.0.0.1:${port}/shop_test`
  while (
    !(await run(url, 'select').then(
      () => true,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`PgBouncer has ended:\n${await readFile(log, 'utf8')}`)
    await pause(5)
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
