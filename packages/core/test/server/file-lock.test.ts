import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { underLock } from '../../src/server/file-lock.js'
import { thisProcess } from '../../src/server/process-identity.js'

let folder: string
let lock: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedbed-lock-'))
  lock = join(folder, 'lock')
  await writeFile(join(folder, 'counter'), '0')
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(folder, { recursive: true })
})

test('one at a time within a process, and the file is gone afterwards', async () => {
  const inside: number[] = []
  let most = 0
  await Promise.all(
    Array.from({ length: 10 }, (_, n) =>
      underLock(lock, async () => {
        inside.push(n)
        most = Math.max(most, inside.length)
        await turn()
        inside.pop()
      }),
    ),
  )
  expect(most).toBe(1)
  expect(await readdir(folder)).toEqual(['counter'])
})

test('an error inside passes through and frees the lock', async () => {
  await expect(underLock(lock, () => Promise.reject(new Error('inside')))).rejects.toThrow('inside')
  expect(await underLock(lock, async () => 'free')).toBe('free')
})

test('holders killed one after the other, with others waiting: nobody robs anybody, nothing is left', async () => {
  const chains = Array.from({ length: 4 }, async () => {
    for (let n = 0; n < 6; n++) await once(holder(5), 'exit')
  })
  await Promise.all(chains)
  expect(await readFile(join(folder, 'counter'), 'utf8')).toBe(String(4 * 6 * 5))
  await underLock(lock, async () => {})
  expect(await readdir(folder)).toEqual(['counter'])
}, 60_000)

test('a killed holder, and a killed remover of it, cost no wait', async () => {
  await once(holder(1), 'exit')
  const dead = JSON.parse(await readFile(lock, 'utf8')) as { token: string }
  // Somebody who died while holding the right to remove that lock.
  await writeFile(`${lock}.${dead.token}`, JSON.stringify({ ...dead, token: 'another' }))
  const before = performance.now()
  await underLock(lock, async () => {})
  expect(performance.now() - before).toBeLessThan(2000)
  expect(await readdir(folder)).toEqual(['counter'])
})

test('a stopped holder is not robbed, and a waiter says whom it waits for', async () => {
  const child = holder(1, { STAY: '1' })
  await once(child.stdout!, 'data')
  child.kill('SIGSTOP')
  let taken = false
  const waitedFor = vi.fn<(pid: number) => void>()
  const waiting = underLock(lock, async () => (taken = true), waitedFor)
  await vi.waitFor(() => expect(waitedFor).toHaveBeenCalledExactlyOnceWith(child.pid), 5000)
  expect(taken).toBe(false)
  child.kill('SIGKILL')
  await waiting
  expect(taken).toBe(true)
})

test('a pid that another process has now does not hold the lock', async () => {
  const me = await thisProcess()
  await writeFile(lock, JSON.stringify({ ...me, started: '1', token: 'before' }))
  expect(await underLock(lock, async () => 'taken')).toBe('taken')
})

test('a holder from before a restart of the machine is gone', async () => {
  const me = await thisProcess()
  await writeFile(lock, JSON.stringify({ ...me, host: { ...me.host, boot: 'earlier' }, token: 'before' }))
  expect(await underLock(lock, async () => 'taken')).toBe('taken')
})

test('a file without content, as a loss of power leaves, holds nothing', async () => {
  await writeFile(lock, '')
  expect(await underLock(lock, async () => 'taken')).toBe('taken')
  expect(await readdir(folder)).toEqual(['counter'])
})

test.each([
  ['in another container', { pidNamespace: 'pid:[1]' }, 31_000, /in another container/],
  ['here, and alive', {}, 301_000, /Process \d+ has held/],
])('a holder %s is waited for, and then explained', async (_, difference, time, message) => {
  const me = await thisProcess()
  await writeFile(lock, JSON.stringify({ ...me, host: { ...me.host, ...difference }, token: 'other' }))
  vi.useFakeTimers({ toFake: ['Date'] })
  const waiting = underLock(lock, async () => {})
  const refused = expect(waiting).rejects.toThrow(message)
  await vi.waitFor(async () => expect((await readdir(folder)).join()).toContain('.waiting'))
  vi.setSystemTime(Date.now() + time)
  await refused
  expect(await readdir(folder)).toEqual(['counter', 'lock'])
})

function holder(times: number, env: NodeJS.ProcessEnv = {}): ChildProcess {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
  const args = [here('lock-in-child.mjs'), here('../../dist'), lock, join(folder, 'counter'), String(times)]
  return spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
}
