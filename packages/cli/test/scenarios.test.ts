import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { makeProject } from './support/project.js'

interface Scenario {
  said: Record<string, string[]>
  combinations: number
  environment: { name: string; tier: string } | null
  error: string | null
}

const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8')

/** After a change that is meant: `seedbed scenarios > packages/cli/test/scenarios/….txt` with the preset as the config. */
test.each([
  ['one-server', 2 * 4 * 4 * 2 * 2],
  ['test-mode', 2 * 3 * 3 * 2 * 2],
  ['three-tiers', 2 * 4 * 4 * 4 * 3 * 2 * 2 * 2],
  ['branches', 2 * 4 * 4 * 4 * 2 * 2],
  ['one-program', 2 * 5 * 5 * 5 * 2 * 2 * 2],
])('%s: the table, and production only where somebody has chosen it and consents', async (preset, combinations) => {
  await using project = await makeProject(
    // Where this machine is, and what it is set to, makes no difference.
    { ENVIRONMENT: 'production', CI: 'true', RENDER: 'true', DB_HOST: 'elsewhere', PRODUCTION_MODE: 'true' },
    {
      'package.json': '{ "name": "project", "type": "module" }',
      'seedbed.config.ts': await read(`../../../examples/environments/presets/${preset}.ts`),
    },
  )
  const [shown, json] = await Promise.all([project.seedbed(['scenarios']), project.seedbed(['scenarios', '--json'])])
  expect(shown).toEqual({ code: 0, stdout: await read(`scenarios/${preset}.txt`), stderr: '' })
  const scenarios = JSON.parse(json.stdout) as Scenario[]
  expect(scenarios.reduce((sum, each) => sum + each.combinations, 0)).toBe(combinations)
  for (const { said, environment, error } of scenarios) {
    if (environment?.tier !== 'production') continue
    const { runner, consent = ['none'], platform = ['none'], terminal = ['no', 'yes'] } = said
    // Chosen by one of the three ways in which a person can, in every one of these combinations.
    const ways = [said['--env'], said.ENVIRONMENT, said.DATABASE_TARGET].map(
      values => values?.join() === environment.name,
    )
    const isFlag = said.flags?.join() === 'USE_PROD_DATABASE'
    expect([...ways, isFlag]).toContain(true)
    expect(runner).toEqual(['no'])
    if (error !== null) continue
    expect(terminal).toEqual(['no'])
    expect(consent.join() === 'PRODUCTION_MODE' || platform.join() === 'render').toBe(true)
  }
})

test('more combinations than anybody waits for are refused', async () => {
  const flags = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`e${index}`, `USE_${index}`]))
  const environments = Object.fromEntries(Object.keys(flags).map(name => [name, { tier: 'staging' }]))
  const config = JSON.stringify({ environments, select: { flags, variables: ['A', 'B'] } })
  await using project = await makeProject({}, { 'package.json': '{}', 'seedbed.config.json': config })
  expect(await project.seedbed(['scenarios'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('SCENARIOS_TOO_MANY') as string,
  })
})
