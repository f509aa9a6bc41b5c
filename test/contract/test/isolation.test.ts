import { expect, test } from 'vitest'
import { application, isolationTests } from './support/isolation-tests.js'
import { isolation, makeProject } from './support/project.js'

const suite = `
  import { db, seeds } from 'seedbed'
  import { everybody, rename } from './application.js'
  ${isolationTests}`

test('tests, files and workers are kept apart, and the second run clones nothing', async () => {
  const files = ['a', 'b', 'c'].map(name => [`${name}.test.js`, suite])
  await using project = await makeProject({ 'application.js': application, ...Object.fromEntries(files) })
  const first = await project.run({ workers: 2 })
  expect(Object.values(first.tests).flat()).toEqual(Array.from({ length: 39 }, () => 'passed'))
  expect(first.exitCode).toBe(0)
  // What tests have committed in is dropped at the end of a run.
  if (isolation !== 'transaction') return
  expect(first.output).toMatch(/template built: the first of this project · 2 databases cloned · ready in \d+ ms/)
  const second = await project.run({ workers: 2 })
  expect(second.exitCode).toBe(0)
  expect(second.output).toMatch(/template reused · 2 databases recycled/)
})

test.runIf(isolation === 'transaction').each(['restore', 'database'])(
  'the same holds where they really commit: %s',
  async isolation => {
    const files = ['a', 'b'].map(name => [`${name}.test.js`, suite])
    await using project = await makeProject({
      'application.js': application,
      'seedbed.config.json': JSON.stringify({ isolation }),
      ...Object.fromEntries(files),
    })
    for (const workers of [1, 2]) {
      const { tests, output, exitCode } = await project.run({ workers })
      expect(Object.values(tests).flat(), output).toEqual(Array.from({ length: 26 }, () => 'passed'))
      expect(exitCode).toBe(0)
    }
  },
)

test('the same suite run three times yields the same ids', async () => {
  await using project = await makeProject({
    'ids.test.js': `
      import { db } from 'seedbed'
      test.each([1, 2, 3])('%i', async () => {
        const { rows } = await db.query("insert into users (name) values ('x') returning id")
        process.stdout.write('id ' + rows[0].id + ';')
      })`,
  })
  // A rollback does not put sequences back; where tests commit they go back with each test.
  const expected = isolation === 'transaction' ? ['3', '4', '5'] : ['3', '3', '3']
  for (let round = 0; round < 3; round++) {
    const { output } = await project.run()
    expect([...output.matchAll(/id (\d+);/g)].map(([, id]) => id)).toEqual(expected)
  }
})
