import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import { publishReport } from '../../src/run/publish-report.js'
import { summariseNotes, type RunReport } from '../../src/run/report.js'
import { startRun } from '../../src/run/start-run.js'
import { openWorker } from '../../src/worker/open-worker.js'
import { useProject } from './support.js'

const project = useProject()
beforeEach(() => project.write({ 'migrations/1.sql': 'create table item (id int generated always as identity)' }))

/** A run with one file, whose tests send these statements. */
async function runWith(tests: Record<string, string[]>): Promise<RunReport> {
  const run = await startRun({ folder: project.folder, slots: 1 })
  const worker = await openWorker(run.handle, 1)
  await worker.enter({ id: 'file', kind: 'file', name: 'items.test.ts' })
  for (const [name, statements] of Object.entries(tests)) {
    await worker.enter({ id: name, kind: 'test', name })
    for (const sql of statements) await worker.db.query(sql).catch(() => {})
    await worker.leave({ id: name, kind: 'test', name })
  }
  await worker.leave({ id: 'file', kind: 'file', name: 'items.test.ts' })
  await worker.close()
  return run.close()
}

async function published(report: RunReport): Promise<string> {
  const lines: string[] = []
  await publishReport(report, text => lines.push(stripVTControlCharacters(text)))
  return lines.join('\n')
}

const insert = 'insert into item default values'

test('says of each test how long the server worked for it, and names the slowest first', async () => {
  const report = await runWith({
    quick: [insert, 'select * from item', 'select nothing'],
    slow: ['begin', insert, 'select pg_sleep(0.2)', 'commit'],
    silent: [],
  })
  const { tests, slowest, start, files } = report
  expect(slowest.map(({ file, name, statements }) => ({ file, name, statements }))).toEqual([
    { file: 'items.test.ts', name: 'slow', statements: 2 },
    { file: 'items.test.ts', name: 'quick', statements: 3 },
  ])
  expect(slowest[0]!.databaseMicroseconds).toBeGreaterThan(200_000)
  expect(slowest[1]!.databaseMicroseconds).toBeGreaterThan(0)
  expect(slowest[1]!.databaseMicroseconds).toBeLessThan(slowest[0]!.databaseMicroseconds)
  expect(tests).toMatchObject({ count: 3 })
  expect(tests!.inDatabase).toBe(slowest[0]!.databaseMicroseconds + slowest[1]!.databaseMicroseconds)
  expect(tests!.total).toBe(files[0]!.tests.reduce((sum, { microseconds }) => sum + microseconds, 0))
  expect(start.total).toBeCloseTo(start.server + start.template + start.databases)
  for (const part of [start.server, start.template, start.databases]) expect(part).toBeGreaterThan(0)
})

test('the median and the 99th percentile are those of the tests, and ten of them are the slowest', () => {
  const tests = Array.from({ length: 200 }, (_, index) => ({
    name: `test ${index}`,
    microseconds: index + 1,
    databaseMicroseconds: 1_000 - index,
    statements: 1,
  }))
  const note = { file: 'a.test.ts', database: 'seedbed_1', sessions: 1, tests: tests.toReversed() }
  const summary = summariseNotes([note])
  expect(summary.tests).toMatchObject({ count: 200, median: 101, percentile99: 198, total: 20_100 })
  expect(summary.slowest.map(({ name }) => name)).toEqual(Array.from({ length: 10 }, (_, index) => `test ${index}`))
  expect(summariseNotes([{ ...note, tests: [] }])).toMatchObject({ tests: null, slowest: [] })
})

describe('SEEDBED_REPORT', () => {
  test('is one line without it, all with 1, and both say the same', async () => {
    const report = await runWith({ quick: [insert], slow: [insert, 'select pg_sleep(0.02)'] })
    const quiet = await published(report)
    expect(quiet).toMatch(/^seedbed {2}embedded PostgreSQL .* a test$/)
    process.env.SEEDBED_REPORT = '1'
    const [first, ...rest] = (await published(report)).split('\n')
    expect(first).toBe(quiet)
    expect(
      rest.map(line =>
        line
          .replace(/\d+\.\d\d/g, '#')
          .trim()
          .replace(/ {2,}/g, ' '),
      ),
    ).toEqual([
      `# ms ${report.server} initialised; migrations and seeds read`,
      '# ms template built: the first of this project',
      '# ms 1 database cloned',
      '# ms 2 tests entered and left: # ms median, # ms 99th percentile',
      '# ms in the database, for the tests',
      'slowest in the database',
      '# ms items.test.ts > slow 2 statements',
      '# ms items.test.ts > quick 1 statement',
    ])
  })

  test('names a file that gets all runs of the process as JSON', async () => {
    const file = join(project.folder, 'reports/seedbed.json')
    process.env.SEEDBED_REPORT = file
    const reports = [await runWith({ quick: [insert] }), await runWith({})]
    for (const report of reports) expect((await published(report)).split('\n')).toHaveLength(report.sessions ? 1 : 2)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ runs: reports })
  })

  test('names a file that cannot be written: the run says so, and is none the worse', async () => {
    await project.write({ taken: '' })
    process.env.SEEDBED_REPORT = join(project.folder, 'taken/seedbed.json')
    expect(await published(await runWith({ quick: [insert] }))).toMatch(
      /\nseedbed {2}SEEDBED_REPORT was not written: \w+/,
    )
  })

  test.each(['2', 'report.xml', 'postgresql://ada:secret@db/report.json'])(
    'is %s: the run does not start',
    async value => {
      process.env.SEEDBED_REPORT = value
      const error: Error = await startRun({ folder: project.folder, slots: 1 }).then(
        () => expect.fail('it started'),
        error => error,
      )
      expect(error).toMatchObject({ code: 'VARIABLE_WRONG_VALUE' })
      expect(error.message).toContain("'1', the name of a .json file, or nothing")
      expect(error.message).not.toContain('secret')
      expect(existsSync(join(process.env.SEEDBED_HOME!, 'clusters'))).toBe(false)
    },
  )
})
