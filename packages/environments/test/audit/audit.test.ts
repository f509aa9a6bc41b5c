import { openAudit, type AuditEvent, type AuditOptions, readAudit, resolveEnvironment } from '@seedbed/environments'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

let folder: string
let file: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'seedbed-audit-')))
  file = join(folder, '.seedbed', 'audit.jsonl')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = (options: Partial<AuditOptions> = {}) => openAudit({ config: {}, folder, variables: {}, ...options })

const event: AuditEvent = {
  environment: 'test',
  tier: 'test',
  database: 'main',
  place: 'localhost:5432/shop_test',
  server: { systemIdentifier: '7710838026469870232', databaseOid: 16_385 },
  operation: 'reset',
  decision: 'done',
  reason: 'its marker says so',
  rows: 49,
}

test('a line says when, who, where from, what, to which database, and why', async () => {
  const git = (...args: string[]) =>
    promisify(execFile)('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder })
  await git('init', '-q', '-b', 'feature/x')
  await git('commit', '-q', '--allow-empty', '-m', 'first')
  const commit = (await git('rev-parse', 'HEAD')).stdout.trim()
  open({ command: 'seedbed reset' }).record(event)
  const line = {
    ...event,
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    who: expect.stringMatching(/./),
    pid: process.pid,
    host: expect.stringMatching(/./),
    folder,
    branch: 'feature/x',
    commit,
    command: 'seedbed reset',
  }
  expect(await readAudit({ file })).toEqual({ entries: [line], broken: [] })

  await git('pack-refs', '--all')
  await git('worktree', 'add', '-q', '-b', 'other', join(folder, 'tree'))
  await git('checkout', '-q', '--detach')
  open().record(event)
  open({ folder: join(folder, 'tree'), config: { audit: { file } } }).record(event)
  const { entries } = await readAudit({ file })
  expect(entries.map(({ branch, commit }) => ({ branch, commit }))).toEqual([
    { branch: 'feature/x', commit },
    { commit },
    { branch: 'other', commit },
  ])
})

test('the path is configurable, from the folder of the project', async () => {
  open({ config: { audit: { file: 'logs/db.jsonl' } } }).record(event)
  expect((await readAudit({ file: join(folder, 'logs/db.jsonl') })).entries).toHaveLength(1)
})

test('eight processes at once, each with two hundred lines of uneven length: all are whole', async () => {
  const program = `
    const { openAudit } = require(${JSON.stringify(join(import.meta.dirname, '../../dist/index.js'))})
    const audit = openAudit({ config: {}, folder: ${JSON.stringify(folder)}, variables: {} })
    process.stdin.once('data', () => {
      for (let line = 0; line < 200; line++) {
        audit.record({ ...${JSON.stringify(event)}, rows: line, reason: 'x'.repeat((line * 7919) % 20000) })
      }
      process.exit()
    })
    console.log('ready')`
  const children = Array.from({ length: 8 }, () =>
    spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  await Promise.all(children.map(child => once(child.stdout, 'data')))
  for (const child of children) child.stdin.write('go')
  expect(await Promise.all(children.map(child => once(child, 'exit')))).toEqual(children.map(() => [0, null]))
  const { entries, broken } = await readAudit({ file })
  expect(broken).toEqual([])
  for (const { pid } of children) {
    const own = entries.filter(entry => entry.pid === pid)
    expect(own.map(({ rows }) => rows)).toEqual(Array.from({ length: 200 }, (_, line) => line))
    expect(own.every(({ rows, reason }) => reason.length === (rows! * 7919) % 20_000)).toBe(true)
  }
  expect(entries).toHaveLength(1600)
})

test('each selection is one line a process', async () => {
  const config = { environments: { staging: { url: 'postgresql://ada:hunter22@localhost/shop' } } }
  const select = (variables = { ENVIRONMENT: 'staging' }) =>
    open({ config, variables } as object).selection(resolveEnvironment({ config, variables }))
  select()
  select()
  // As a runner loads it anew for each file.
  const require = createRequire(import.meta.url)
  const main = require.resolve('@seedbed/environments')
  for (const file of Object.keys(require.cache)) if (file.startsWith(dirname(main))) delete require.cache[file]
  const again = require(main) as { openAudit: typeof openAudit }
  expect(again.openAudit).not.toBe(openAudit)
  const variables = { ENVIRONMENT: 'staging' }
  again.openAudit({ config: {}, folder, variables }).selection(resolveEnvironment({ config, variables }))
  select({ ENVIRONMENT: 'STAGING' })
  const { entries } = await readAudit({ file, operation: 'select' })
  expect(entries.map(({ environment, decision, reason, place }) => [environment, decision, reason, place])).toEqual([
    ['staging', 'chosen', 'ENVIRONMENT=staging', 'localhost:5432/shop'],
    ['staging', 'chosen', 'ENVIRONMENT=STAGING', 'localhost:5432/shop'],
  ])
})

/** Ways in which a log cannot be written, also by root. */
const unwritable = {
  'its folder is a file': async () => {
    await writeFile(join(folder, 'file'), '')
    return join(folder, 'file', 'audit.jsonl')
  },
  'it is a folder': async () => {
    await mkdir(join(folder, 'log'))
    return join(folder, 'log')
  },
}

test.each(Object.entries(unwritable))(
  '%s: what destroys is refused, a selection goes to standard error',
  async (_, make) => {
    const config = { audit: { file: await make() }, environments: { staging: { url: 'postgresql://localhost/shop' } } }
    const audit = open({ config })
    const refused = expect.objectContaining({ code: 'AUDIT_UNWRITABLE', message: expect.stringContaining(audit.file) })
    expect(() => audit.assertWritable()).toThrow(refused)
    expect(() => audit.record(event)).toThrow(refused)
    const written: string[] = []
    const write = vi.spyOn(process.stderr, 'write').mockImplementation(text => written.push(String(text)) > 0)
    audit.selection(resolveEnvironment({ config, variables: { ENVIRONMENT: 'staging' } }))
    write.mockRestore()
    expect(written.map(line => JSON.parse(line))).toEqual([
      expect.objectContaining({ environment: 'staging', decision: 'chosen' }),
    ])
  },
)

test.skipIf(process.platform !== 'linux')('a disk that is full', () => {
  const audit = open({ config: { audit: { file: '/dev/full' } } })
  expect(() => audit.record(event)).toThrow(expect.objectContaining({ code: 'AUDIT_UNWRITABLE' }))
})

test('a line that a full disk has cut is named, and the others are read', async () => {
  open().record(event)
  await appendFile(file, '{"time":"2026-\n[]\nnull\n\n')
  open().record(event)
  const { entries, broken } = await readAudit({ file })
  expect([entries.length, broken]).toEqual([2, [2, 3, 4]])
  expect(await readAudit({ file: join(folder, 'none') })).toEqual({ entries: [], broken: [] })
})

test('a line that follows a cut one is whole all the same', async () => {
  open().record(event)
  await appendFile(file, '{"time":"2026-')
  open().record(event)
  expect(await readAudit({ file })).toMatchObject({ entries: [event, event], broken: [2] })
})

test('lines are found by environment, operation, decision and time', async () => {
  const audit = open()
  audit.record(event)
  audit.record({ ...event, environment: 'staging', operation: 'drop', decision: 'refused' })
  const count = async (query: object) => (await readAudit({ file, ...query })).entries.length
  expect(await count({ environment: 'staging' })).toBe(1)
  expect(await count({ operation: 'reset' })).toBe(1)
  expect(await count({ decision: 'refused', environment: 'test' })).toBe(0)
  expect(await count({ since: new Date(Date.now() - 60_000) })).toBe(2)
  expect(await count({ since: new Date(Date.now() + 60_000) })).toBe(0)
})

test('no password gets in, wherever it stands', async () => {
  const passwords = [
    's3cret/with@signs',
    'Pa ss&word=1',
    'tok3n-in-a-variable',
    'inDotEnv77',
    'only1nArgv',
    'Gr33nHouse',
  ]
  const [first, second, third, fourth, fifth, sixth] = passwords as [string, string, string, string, string, string]
  const url = `postgresql://ada:${encodeURIComponent(first)}@localhost/shop`
  const audit = open({
    variables: { DATABASE_URL: url, PGPASSWORD: second, API_TOKEN: third },
    envFile: { OTHER_URL: `postgresql://localhost/shop?password=${fourth}` },
    command: `seedbed reset --url ${url} --password ${fifth} PGPASSWORD=${second} --db=postgres://ada:${sixth}@h/d`,
  })
  for (const reason of [
    `password authentication failed for ${url}`,
    first,
    encodeURIComponent(first),
    `it was "${second}", or ${third}`,
    `connect to postgresql://x:${sixth}@h/d failed`,
    `PGPASSWORD=${fourth} was wrong; password = ${sixth}`,
  ]) {
    audit.record({ ...event, reason })
  }
  const text = await readFile(file, 'utf8')
  for (const password of passwords) {
    expect(text).not.toContain(password)
    expect(text).not.toContain(encodeURIComponent(password))
  }
  expect(text).toContain('postgresql://ada@localhost/shop')
})

test('a password that is a public name does not take the name out of the log', async () => {
  open({ variables: { PGPASSWORD: 'test', DATABASE_URL: 'postgresql://ada:true@h/d' } }).record({
    ...event,
    reason: 'ENVIRONMENT=test',
  })
  expect((await readAudit({ file })).entries[0]).toMatchObject({ environment: 'test', reason: 'ENVIRONMENT=test' })
})

test('the folder that a shell is in is no password, whatever its variable is called', async () => {
  open({ variables: { PWD: folder, OLDPWD: folder, DB_PWD: 'geheim' } }).record({ ...event, reason: 'geheim' })
  expect((await readAudit({ file })).entries[0]).toMatchObject({ folder, reason: '***' })
})
