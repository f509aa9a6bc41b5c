import { spawn } from 'node:child_process'
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeProject, withFiles, type Project } from './support/project.js'

let project: Project
beforeAll(async () => {
  project = await makeProject(
    { STG_URL: 'postgresql://app:s3cret@db.example.com/stage?password=s3cret&sslmode=require' },
    withFiles({
      'seedbed.config.json': JSON.stringify({
        environments: {
          test: { badge: { label: 'INT', colour: 'green' } },
          staging: { variable: 'STG_URL', aliases: ['stg'] },
          production: { variable: 'PROD_URL' },
        },
      }),
    }),
  )
})
afterAll(() => project?.[Symbol.asyncDispose]())
beforeEach(() => rm(join(project.folder, '.seedbed'), { recursive: true, force: true }))

test('env list: a badge on each line, where each is, or which variable would say so; no password', async () => {
  const { code, stdout, stderr } = await project.seedbed(['env', 'list'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringMatching(/^\[INT\] test main {2}This is test, outside of a test run: .* or set TEST_DATABASE_URL\.$/),
    '[STG] staging main  postgresql://app@db.example.com:5432/stage?sslmode=require',
    '[PROD] production (protected) main  Nothing says where production is. Set PROD_URL, in the environment or in .env.',
  ])
  const json = await project.seedbed(['env', 'list', '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject([
    { name: 'test', databases: [{ database: 'main', url: null, missing: { code: 'TEST_WITHOUT_URL' } }] },
    { name: 'staging', tier: 'staging', protected: false, aliases: ['stg'], databases: [{ missing: null }] },
    { name: 'production', protected: true, databases: [{ missing: { code: 'ENVIRONMENT_WITHOUT_URL' } }] },
  ])
  expect(json.stdout).not.toContain('s3cret')
  const under = await project.seedbed(['env', 'list'], { env: { VITEST: 'true' } })
  expect(under.stdout).toContain('[INT] test  its databases are made when a run starts\n[STG] staging main')
})

test('env show: the one that is named, or the one that is chosen and why', async () => {
  const named = await project.seedbed(['env', 'show', 'STG '])
  expect(named.stdout).toBe(
    '[STG] staging  tier staging · also called stg\n[STG] staging main  postgresql://app@db.example.com:5432/stage?sslmode=require\n',
  )
  const chosen = await project.seedbed(['env', 'show', '--json'], { env: { ENVIRONMENT: 'stg' } })
  expect(JSON.parse(chosen.stdout)).toMatchObject({ name: 'staging', reason: 'ENVIRONMENT=stg' })
  const coloured = await project.seedbed(['env', 'show', 'stg'], { env: { NO_COLOR: '', FORCE_COLOR: '1' } })
  expect(coloured.stdout).toContain('\u001b[33m[STG]\u001b[39m staging')
})

test.each([
  [
    ['env', 'show', 'stagging'],
    {},
    1,
    /seedbed env show stagging: there is no environment "stagging".*There are test, staging and/s,
  ],
  [['env', 'show'], { ENVIRONMENT: 'nowhere' }, 1, /ENVIRONMENT_UNKNOWN/],
  [['env'], {}, 2, /Usage: seedbed env/],
  [['audit', '--decision', 'maybe'], {}, 2, /Allowed choices are chosen, allowed, refused, done/],
  [['audit', '--since', 'yesterday'], {}, 2, /a day \(2026-11-01\)/],
])('what is wrong is explained: %j', async (args, env, code, expected) => {
  const outcome = await project.seedbed(args, { env })
  expect(outcome).toMatchObject({ code, stdout: '' })
  expect(outcome.stderr).toMatch(expected)
})

describe('audit', () => {
  const file = () => join(project.folder, '.seedbed/audit.jsonl')
  const line = (over: Record<string, unknown>) =>
    JSON.stringify({
      ...{
        time: '2026-11-01T10:00:00.000Z',
        who: 'ada',
        pid: 1,
        host: 'laptop',
        folder: '/app',
        command: 'seedbed run',
      },
      ...{ environment: 'staging', tier: 'staging', database: 'main', place: 'db.example.com:5432/stage' },
      ...{ operation: 'run', decision: 'allowed', reason: '--env stg' },
      ...over,
    })
  const lines = [
    line({ time: '2026-10-31T23:59:59.999Z', decision: 'chosen', operation: 'select' }),
    line({}),
    line({ environment: 'gone', tier: 'development', decision: 'done', operation: 'reset', rows: 1 }),
    line({ environment: 'test', tier: 'test', decision: 'refused', reason: 'up\u001b[2A' }),
  ]
  const write = async (text: string) => {
    await mkdir(join(project.folder, '.seedbed'), { recursive: true })
    await writeFile(file(), text)
  }
  const asked = async (...args: string[]) => {
    const { code, stdout, stderr } = await project.seedbed(['audit', ...args])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout.split('\n').slice(0, -1)
  }

  test('a line each, with the badge of the config or of the tier; what others wrote cannot move the cursor', async () => {
    await write(`${lines.join('\n')}\n`)
    expect(await asked()).toEqual([
      '2026-10-31T23:59:59.999Z [STG] chosen select staging main db.example.com:5432/stage (--env stg) · ada@laptop: seedbed run',
      '2026-11-01T10:00:00.000Z [STG] allowed run staging main db.example.com:5432/stage (--env stg) · ada@laptop: seedbed run',
      '2026-11-01T10:00:00.000Z [DEV] done reset gone main db.example.com:5432/stage (--env stg) · 1 row · ada@laptop: seedbed run',
      '2026-11-01T10:00:00.000Z [INT] refused run test main db.example.com:5432/stage (up\\u001b[2A) · ada@laptop: seedbed run',
    ])
    const { stdout } = await project.seedbed(['audit'], { env: { NO_COLOR: '', FORCE_COLOR: '1' } })
    expect(stdout).toContain('\u001b[33m[STG]\u001b[39m \u001b[33mallowed')
  })

  test.each([
    [
      ['--environment', 'staging'],
      [0, 1],
    ],
    [['--operation', 'reset'], [2]],
    [['--decision', 'refused'], [3]],
    [
      ['--since', '2026-11-01'],
      [1, 2, 3],
    ],
    [
      ['--since', '2026-10-31T23:59:59.999'],
      [0, 1, 2, 3],
    ],
    [['--since', '1m'], []],
    [['--environment', 'staging', '--since', '2026-11-01'], [1]],
  ])('%j as JSON: the lines as they are', async (args, expected) => {
    await write(`${lines.join('\n')}\n`)
    expect(await asked('--json', ...args)).toEqual(expected.map(index => lines[index]))
  })

  test('an age counts from now', async () => {
    const recent = line({ time: new Date(Date.now() - 36 * 3_600_000).toISOString() })
    await write(`${lines[1]}\n${recent}\n`)
    expect(await asked('--json', '--since', '2d')).toEqual([recent])
    expect(await asked('--json', '--since', '12h')).toEqual([])
  })

  test('no log is no line, and lines that are not whole are counted', async () => {
    expect(await asked()).toEqual([])
    await write(`${lines[0]!.slice(0, 20)}\n${lines[1]}\n{}\n`)
    const { code, stdout, stderr } = await project.seedbed(['audit', '--json'])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `${lines[1]}\n`,
      stderr: 'seedbed  2 lines are not whole, and not shown\n',
    })
  })

  test('--follow waits for the log, prints what comes, and ends well at Ctrl-C', async () => {
    const { child, printed, ended } = project.start(['audit', '--follow', '--json', '--decision', 'allowed'])
    await write(`${lines[0]}\n${lines[1]}\n`)
    await printed(/--env stg/)
    // A line that comes in two pieces.
    const next = line({ reason: 'größer' })
    const bytes = Buffer.from(`${next}\n`)
    const middle = bytes.indexOf(0xc3) + 1
    await appendFile(file(), bytes.subarray(0, middle))
    await appendFile(file(), bytes.subarray(middle))
    await printed(/größer/)
    // Another log in its place.
    await write(`${line({ reason: 'new log' })}\n`)
    await printed(/new log/)
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual([lines[1], next, line({ reason: 'new log' }), ''])
  })

  test('its reader may end before it', async () => {
    await write(`${Array.from({ length: 20_000 }, () => lines[1]).join('\n')}\n`)
    const child = spawn('sh', ['-c', `"${process.execPath}" "$BIN" audit | head -n 1`], {
      cwd: project.folder,
      env: { ...process.env, BIN: join(import.meta.dirname, '../dist/main.js'), NO_COLOR: '1' },
    })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', text => (said[name] += text))
    await new Promise(resolve => child.on('close', resolve))
    expect(said.stdout).toMatch(/^2026.*\n$/)
    expect(said.stderr).toBe('')
  })
})
