import { expect, test } from 'vitest'
import { manifest, planOf } from './support.js'

const usual = { 'package.json': manifest(['jest']) }
const require = "require('@seedbed/jest/with-seedbed')"

test('without a config there is a new one, in the modules of the project', async () => {
  const common = await planOf(usual)
  expect(common.after['jest.config.js']).toBe("module.exports = { preset: '@seedbed/jest' }\n")
  const modules = await planOf({ 'package.json': manifest(['jest'], { type: 'module' }) })
  expect(modules.after['jest.config.js']).toBe("export default { preset: '@seedbed/jest' }\n")
})

test.each([
  ['module.exports = {}', "module.exports = { preset: '@seedbed/jest' }"],
  [
    "module.exports = {\n  testMatch: ['**/*.spec.js'],\n}",
    "module.exports = {\n  preset: '@seedbed/jest',\n  testMatch: ['**/*.spec.js'],\n}",
  ],
  [
    'const config: Config = { verbose: true }\nexport default config',
    "const config: Config = { preset: '@seedbed/jest', verbose: true }\nexport default config",
  ],
  [
    'export default async () => ({ verbose: true })',
    "export default async () => ({ preset: '@seedbed/jest', verbose: true })",
  ],
  // What has a preset, an environment or projects is wrapped, and so is what may have them.
  ["module.exports = { preset: 'ts-jest' }", `module.exports = ${require}({ preset: 'ts-jest' })`],
  ["module.exports = { testEnvironment: 'jsdom' }", `module.exports = ${require}({ testEnvironment: 'jsdom' })`],
  ["module.exports = { ...require('./base') }", `module.exports = ${require}({ ...require('./base') })`],
  ['module.exports = { projects: [{}] }', `module.exports = ${require}({ projects: [{}] })`],
  [
    "const config = {}\nconfig.preset = 'ts-jest'\nmodule.exports = config",
    `const config = {}\nconfig.preset = 'ts-jest'\nmodule.exports = ${require}(config)`,
  ],
  [
    "module.exports = async () => {\n  return { preset: 'ts-jest' }\n}",
    `module.exports = async () => {\n  return ${require}({ preset: 'ts-jest' })\n}`,
  ],
  [
    "import type { Config } from 'jest'\n\nexport default { preset: 'ts-jest' } satisfies Config",
    "import type { Config } from 'jest'\nimport withSeedbed from '@seedbed/jest/with-seedbed'\n\nexport default withSeedbed({ preset: 'ts-jest' } satisfies Config)",
  ],
])('%s', async (before, after) => {
  const planned = await planOf({ ...usual, 'jest.config.ts': `${before}\n` })
  expect(planned.byHand).toEqual({})
  expect(planned.after['jest.config.ts']).toBe(`${after}\n`)
})

test('JSON gets the preset, and keeps its form', async () => {
  const json = await planOf({ ...usual, 'jest.config.json': '{\n    "verbose": true\n}\n' })
  expect(json.after['jest.config.json']).toBe('{\n    "preset": "@seedbed/jest",\n    "verbose": true\n}\n')
  const inPackage = await planOf({ 'package.json': manifest(['jest'], { jest: { verbose: true } }) })
  expect(inPackage.after['package.json']).toBe(manifest(['jest'], { jest: { preset: '@seedbed/jest', verbose: true } }))
  expect(inPackage.after).not.toHaveProperty(['jest.config.js'])
})

test('what package.json says of a preset of its own becomes a file of its own', async () => {
  const jest = { rootDir: 'src', transform: { '^.+\\.ts$': 'ts-jest' }, testEnvironment: 'node' }
  const { after, byHand } = await planOf({ 'package.json': manifest(['jest'], { jest }) })
  expect(byHand).toEqual({})
  expect(after['package.json']).toBe(manifest(['jest']))
  expect(after['jest.config.js']).toBe(`module.exports = ${require}(${JSON.stringify(jest, undefined, 2)})\n`)
  const modules = await planOf({ 'package.json': manifest(['jest'], { type: 'module', jest }) })
  expect(modules.after['jest.config.js']).toMatch(
    /^import withSeedbed from '@seedbed\/jest\/with-seedbed'\n\nexport default withSeedbed\(\{\n/,
  )
})

test.each([
  ['{ "jest": { "preset": "a" } }', '{  }', '{ "preset": "a" }'],
  [
    '{\n\t"jest": {\n\t\t"preset": "a"\n\t},\n\t"name": "b",\n\t"files": ["c", "d"]\n}\n',
    '{\n\t"name": "b",\n\t"files": ["c", "d"]\n}\n',
    '{\n\t"preset": "a"\n}',
  ],
])('package.json keeps its form when that is taken out: %j', async (before, left, value) => {
  const { after } = await planOf({ 'package.json': before })
  expect(after['package.json']).toBe(left)
  expect(after['jest.config.js']).toBe(`module.exports = ${require}(${value})\n`)
})

test('where a first time has ended between the two files, the second takes it out of package.json', async () => {
  const files = { 'package.json': manifest(['jest'], { jest: { preset: 'ts-jest' } }) }
  const { plan, after } = await planOf(files)
  const paths = plan.files.map(({ path }) => path)
  expect(paths.indexOf('jest.config.js')).toBeLessThan(paths.indexOf('package.json'))
  const second = await planOf({ ...files, 'jest.config.js': after['jest.config.js']! })
  expect(second.byHand).toEqual({})
  expect(second.after['package.json']).toBe(manifest(['jest']))
  expect(second.after).not.toHaveProperty(['jest.config.js'])
})

test.each([
  ['jest.config.json', '{ "preset": "ts-jest" }', /no room for a function/],
  ['jest.config.js', 'module.exports = {', /does not parse/],
  ['jest.config.js', 'module.exports = nextJest()(config)', /not an object that can be seen/],
])('what cannot be edited is left alone, and the lines to add are said: %s %s', async (path, text, why) => {
  const { plan, after, byHand } = await planOf({ ...usual, [path]: text })
  expect(Object.keys(after)).not.toContain(path)
  expect(byHand[path]).toMatch(why)
  expect(plan.byHand[0]!.lines[0]).toContain('@seedbed/jest/with-seedbed')
})

test('two configs, which Jest refuses, are left to whoever knows which one holds', async () => {
  const { byHand } = await planOf({
    'package.json': manifest(['jest'], { jest: {} }),
    'jest.config.js': 'module.exports = {}',
  })
  expect(byHand['jest.config.js']).toMatch(/jest\.config\.js and package\.json/)
})

test('a global set-up of its own has to call ours, also when the config is in place', async () => {
  const files = { ...usual, 'setup.js': 'module.exports = async () => {}' }
  const config = "{ globalSetup: '<rootDir>/setup.js' }"
  const first = await planOf({ ...files, 'jest.config.js': `module.exports = ${config}\n` })
  expect(first.after['jest.config.js']).toBe(`module.exports = ${require}(${config})\n`)
  const second = await planOf({ ...files, 'jest.config.js': `module.exports = ${require}(${config})\n` })
  for (const { byHand, plan } of [first, second]) {
    expect(byHand['setup.js']).toMatch(/takes the place of Seedbed's global set-up/)
    expect(plan.byHand[0]!.lines).toContain('await seedbed(globalConfig, projectConfig)')
  }
  const calling = {
    ...files,
    'setup.js': "module.exports = async () => (await import('@seedbed/jest/global-setup')).default()",
  }
  expect((await planOf({ ...calling, 'jest.config.js': `module.exports = ${config}\n` })).byHand).toEqual({})
})
