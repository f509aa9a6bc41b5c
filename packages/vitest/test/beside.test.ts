import { expect, test } from 'vitest'
import { makeProject, vitestMajor } from './support/project.js'

const connecting = `
  import { test } from '@seedbed/vitest'
  test('connects', ({ db }) => db.query('select 1'))`

test('what a reporter writes on standard output stays what it is', async () => {
  await using project = await makeProject({ 'a.test.ts': connecting })
  const { stdout, output, exitCode } = await project.vitest({ args: ['run', '--reporter=tap-flat'] })
  expect(stdout.split('\n')).toEqual([
    'TAP version 13',
    '1..1',
    expect.stringMatching(/^ok 1 - a\.test\.ts > connects/),
    '',
  ])
  expect(output).toMatch(/building the template[^]*databases? cloned/)
  expect(exitCode).toBe(0)
})

test('what vi.stubEnv() has put in the place of DATABASE_URL is undone by unstubEnvs, and no error in the next test', async () => {
  await using project = await makeProject({
    'vitest.config.ts': `
      import seedbed from '@seedbed/vitest/plugin'
      export default { plugins: [seedbed()], test: { unstubEnvs: true } }`,
    'a.test.ts': `
      import { test } from '@seedbed/vitest'
      import { expect, vi } from 'vitest'
      test('stubs', () => void vi.stubEnv('DATABASE_URL', 'postgres://x/y'))
      test('connects', async ({ db }) => {
        expect(process.env.DATABASE_URL).not.toBe('postgres://x/y')
        await db.query('select 1')
      })`,
  })
  const { output, exitCode } = await project.vitest()
  expect(output).toMatch(/2 passed/)
  expect(exitCode).toBe(0)
})

test.skipIf(vitestMajor > 4)('benchmarks run in Vitest’s own runner, and reach no database', async () => {
  await using project = await makeProject({
    'a.bench.ts': `
      import { bench } from 'vitest'
      bench('counts', () => void [...Array(10).keys()], { time: 20 })
      console.log('with', process.env.DATABASE_URL)`,
  })
  const { output, exitCode } = await project.vitest({
    args: ['bench', '--run'],
    env: { DATABASE_URL: 'postgres://production.example/shop' },
  })
  expect(output).toMatch(/counts {2,}[\d,.]+/)
  expect(output).toMatch(/with postgres/)
  expect(output).not.toContain('production.example')
  expect(exitCode).toBe(0)
})
