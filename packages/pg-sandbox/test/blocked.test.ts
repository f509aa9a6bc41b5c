import { execFileSync, execSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { openSandbox, SandboxError } from '../src/index.js'
import { column, usePlace } from './support.js'

const place = usePlace('create table item (id int primary key, name text)')
const pg = JSON.stringify(createRequire(import.meta.url).resolve('pg'))

/** Prints a count, or the error. */
const counting = (url: string) => `
  const client = new (require(${pg}).Client)(${url})
  client.on('error', () => {})
  client.connect()
    .then(() => client.query('select count(*)::int as count from item'))
    .then(({ rows }) => console.log(rows[0].count), error => console.log(error.message + ' | ' + error.hint))
    .finally(() => client.end())`
const seen = /a synchronous child process blocks .* \| .*ownThread: true/

test('a child that blocks the thread is told so, however it has got the address', async () => {
  const client = await place.connect()
  const { url } = place.sandbox
  const { port, password, username, pathname } = new URL(url)
  const inVariables = {
    PGHOST: '127.0.0.1',
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: password,
    PGDATABASE: pathname.slice(1),
  }
  const script = counting('process.env.DATABASE_URL')
  expect(
    execFileSync('node', ['-e', script], { env: { ...process.env, DATABASE_URL: url }, encoding: 'utf8' }),
  ).toMatch(seen)
  expect(spawnSync('node', ['-e', counting(`'${url}'`)], { encoding: 'utf8' }).stdout).toMatch(seen)
  expect(
    execFileSync('node', ['-e', counting('')], { env: { ...process.env, ...inVariables }, encoding: 'utf8' }),
  ).toMatch(seen)
  expect(execSync(`DATABASE_URL='${url}' node -e "${script.replaceAll('"', '\\"')}"`, { encoding: 'utf8' })).toMatch(
    seen,
  )
  expect(await column(client, 'select count(*)::int from item')).toEqual([0])
})

test('synchronous children that want no database run as ever, and what a caller hands over stays as it is', () => {
  const options = { env: { PATH: process.env.PATH, HELLO: 'there' }, encoding: 'utf8' } as const
  const before = structuredClone(options)
  expect(execSync('echo $HELLO', options)).toBe('there\n')
  expect(options).toEqual(before)
  expect(() => execFileSync('node', ['-e', 'process.exit(3)'])).toThrow(expect.objectContaining({ status: 3 }))
  expect(spawnSync('node', ['-e', 'process.exit(4)']).status).toBe(4)
})

test.runIf(process.platform === 'linux')(
  'a server that was connected before, and that the child talks to, is told too',
  async () => {
    await using sandbox = await openSandbox({ url: place.server.url, turnTimeout: 200 })
    await sandbox.enter('a test')
    const program = `
      const { Client } = require(${pg})
      const client = new Client(process.env.DATABASE_URL)
      client.on('error', () => {})
      client.connect().then(() => {
        const server = require('node:http').createServer((_, response) => {
          client.query('select 1').then(() => response.end('fine'), error => response.end(error.message))
        })
        server.listen(0, '127.0.0.1', () => console.log(server.address().port))
      })`
    const server = spawn('node', ['-e', program], {
      env: { ...process.env, DATABASE_URL: sandbox.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [port] = (await once(createInterface(server.stdout), 'line')) as [string]
    const asking = `fetch('http://127.0.0.1:${port}').then(answer => answer.text()).then(console.log)`
    expect(execFileSync('node', ['-e', asking], { encoding: 'utf8' })).toMatch(/a synchronous child process blocks/)
    server.kill()
    await once(server, 'exit')
  },
)

test('in a thread of its own a sandbox answers while this one is blocked', async () => {
  await using sandbox = await openSandbox({
    url: place.server.url,
    ownThread: true,
    users: { reader: { role: 'pg_read_all_data' } },
  })
  await sandbox.enter('a test')
  const writing = counting('process.env.DATABASE_URL')
    .replace('select', 'with new as (insert into item values (1) returning *) select')
    .replace('from item', 'from new')
  expect(
    execFileSync('node', ['-e', writing], { env: { ...process.env, DATABASE_URL: sandbox.url }, encoding: 'utf8' }),
  ).toBe('1\n')
  expect(spawnSync('node', ['-e', counting(`'${sandbox.urlOf('reader')}'`)], { encoding: 'utf8' }).stdout).toBe('1\n')
  expect((await sandbox.leave()).statements).toEqual({ SELECT: 2 })
  await sandbox.enter('the next')
  expect(execFileSync('node', ['-e', counting(`'${sandbox.url}'`)], { encoding: 'utf8' })).toBe('0\n')
  await sandbox.maintain(async query => {
    expect(await query('select $1::int + 1', ['41'])).toEqual([['42']])
    await expect(query('select nothing')).rejects.toMatchObject({ code: '42703' })
  })
  expect(sandbox.sessions).toBe(1)
  expect(sandbox.escaped).toBeUndefined()
  await sandbox.leave()
  await expect(sandbox.leave()).rejects.toThrow(
    expect.objectContaining({ code: 'NO_SCOPE', constructor: SandboxError }),
  )
  expect(() => sandbox.urlOf('nobody')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test('in a thread of its own a sandbox can be closed twice, and answers nothing afterwards', async () => {
  await using sandbox = await openSandbox({ url: place.server.url, ownThread: true })
  await sandbox.close()
  await sandbox.close()
  await expect(sandbox.enter('a test')).rejects.toMatchObject({ code: 'CLOSED' })
})
