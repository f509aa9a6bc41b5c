import { expect, test } from 'vitest'
import { planInit } from '@seedbed/core'
import { makeProject, writeFiles } from '../migrations/project.js'
import { manifest, planOf } from './support.js'

const vitest = { 'package.json': manifest(['vitest']) }
const config = "defineConfig({ plugins: [] }) // '@seedbed/vitest/plugin'"

test('the runner is seen by dependencies, config files and scripts; both are set up, or the one that was asked for', async () => {
  const runners = async (...args: Parameters<typeof planOf>) => (await planOf(...args)).plan.found.runners
  expect(await runners(vitest)).toEqual([{ name: 'vitest', version: null, from: 'package.json' }])
  expect(await runners({ 'package.json': '{}', 'jest.config.js': 'module.exports = {}' })).toEqual([
    { name: 'jest', version: null, from: 'jest.config.js' },
  ])
  const script = { scripts: { test: 'node --experimental-vm-modules node_modules/jest/bin/jest.js' } }
  const { plan } = await planOf({ 'package.json': JSON.stringify(script) })
  expect(plan.found.runners).toEqual([{ name: 'jest', version: null, from: 'the script test' }])
  expect(plan.tests[0]!.env).toEqual({ NODE_OPTIONS: '--experimental-vm-modules' })
  const both = { 'package.json': manifest(['vitest', 'jest']) }
  expect((await runners(both)).map(({ name }) => name)).toEqual(['vitest', 'jest'])
  expect((await runners(both, { runner: 'jest' })).map(({ name }) => name)).toEqual(['jest'])
  const { after } = await planOf(both)
  expect(Object.keys(after).filter(path => path.startsWith('test/'))).toEqual([
    'test/database.test.js',
    'test/database-jest.test.js',
  ])
})

test('where there is nothing to set up, the error says what to do', async () => {
  await expect(planOf({ 'package.json': '{}' })).rejects.toMatchObject({
    code: 'INIT_NO_RUNNER',
    hint: expect.stringContaining('npm install --save-dev vitest') as string,
  })
  await expect(planOf(vitest, { runner: 'jest' })).rejects.toMatchObject({ code: 'INIT_NO_RUNNER' })
  await expect(planOf({ 'package.json': '{ "workspaces": ["packages/*"] }' })).rejects.toMatchObject({
    hint: expect.stringContaining('the folder of a package') as string,
  })
  await expect(planOf({ 'index.js': '' })).rejects.toMatchObject({ code: 'INIT_NO_PACKAGE' })
  await expect(planOf({ 'package.json': '{ name }' })).rejects.toMatchObject({ code: 'INIT_PACKAGE_BROKEN' })
  const old = { 'node_modules/vitest/package.json': '{ "version": "3.1.4" }' }
  await expect(planOf({ ...vitest, ...old })).rejects.toMatchObject({ code: 'INIT_RUNNER_TOO_OLD' })
  const several = { 'seedbed.config.ts': '', 'seedbed.config.js': '' }
  await expect(planOf({ ...vitest, ...several })).rejects.toMatchObject({ code: 'CONFIG_SEVERAL_FILES' })
})

test.each([
  [{ 'package-lock.json': '{}' }, 'npm install --save-dev'],
  [{ 'pnpm-lock.yaml': '' }, 'pnpm add --save-dev'],
  [{ 'pnpm-lock.yaml': '', 'pnpm-workspace.yaml': '' }, 'pnpm add --save-dev --workspace-root'],
  [{ 'yarn.lock': '' }, 'yarn add --dev'],
  [{ 'bun.lock': '' }, 'bun add --dev'],
  [
    { 'package.json': manifest(['vitest'], { packageManager: 'pnpm@11.0.0' }), 'package-lock.json': '{}' },
    'pnpm add --save-dev',
  ],
])('what is missing is installed by the project’s package manager: %j', async (files, start) => {
  const { plan } = await planOf({ ...vitest, ...files })
  expect(plan.install!.command.join(' ')).toMatch(
    new RegExp(`^${start} @seedbed/vitest@\\d+\\.\\d+\\.\\d+ @seedbed/core@\\d+\\.\\d+\\.\\d+$`),
  )
})

test('a package of a monorepo has its root’s lock file, runner and .gitignore', async () => {
  await using root = await makeProject({
    'package.json': manifest(['vitest', '@seedbed/vitest', '@seedbed/core'], { workspaces: ['packages/*'] }),
    'yarn.lock': '',
    '.gitignore': '.seedbed\n',
    'packages/shop/package.json': '{ "name": "shop" }',
    'packages/shop/src/a/b.ts': '',
  })
  const plan = await planInit({ folder: `${root.folder}/packages/shop/src/a` })
  expect(plan).toMatchObject({ folder: `${root.folder}/packages/shop`, install: null })
  expect(plan.found).toMatchObject({ packageManager: { name: 'yarn' }, runners: [{ name: 'vitest' }] })
  expect(plan.files.map(({ path }) => path)).toEqual(['vitest.config.mjs', 'test/database.test.js'])
  expect(plan.tests[0]!.command).toEqual(['yarn', 'run', 'vitest', 'run', 'test/database.test.js'])
})

test.each([
  ['no end of line', 'dist', 'dist\n.seedbed/\n'],
  ['Windows’ line ends', 'dist\r\n', 'dist\r\n.seedbed/\r\n'],
  ['there already', '/.seedbed\n', undefined],
])('.gitignore is appended to: %s', async (_, before, expected) => {
  expect((await planOf({ ...vitest, '.gitignore': before })).after['.gitignore']).toBe(expected)
})

test.each([
  [{}, 'test/database.test.js'],
  [{ 'src/users/users.spec.ts': '', 'src/app.spec.ts': '' }, 'src/database.spec.ts'],
  [{ 'src/__tests__/app.jsx': '' }, 'src/__tests__/database.test.js'],
  [
    { 'tests/a.test.mts': '', 'tests/database.test.mts': '', 'tests/deep/b.test.mts': '' },
    'tests/database-vitest.test.mts',
  ],
  [{ 'e2e/a.spec.ts': "from '@playwright/test'", 'unit/a.test.ts': '' }, 'unit/database.test.ts'],
])('the first test stands where the project has its tests, under a name that is free: %j', async (files, path) => {
  expect((await planOf({ ...vitest, ...files })).plan.tests[0]!.path).toBe(path)
})

test('no TypeScript is put where it would be compiled with the sources, and move what is built', async () => {
  const files = {
    'package.json': manifest(['vitest', 'typescript']),
    'src/main.ts': 'process.env.DB_HOST',
    'tsconfig.json': '{ "compilerOptions": { "outDir": "dist" } } // no include',
  }
  const paths = async (more: Record<string, string>) => Object.keys((await planOf({ ...files, ...more })).after)
  expect(await paths({})).toEqual(['vitest.config.mjs', 'seedbed.config.js', 'src/database.test.ts', '.gitignore'])
  const typed = ['vitest.config.mts', 'seedbed.config.ts', 'test/database.test.ts', '.gitignore']
  expect(await paths({ 'tsconfig.json': '{ "include": ["src"], "compilerOptions": { "outDir": "dist" } }' })).toEqual(
    typed,
  )
  expect(await paths({ 'tsconfig.json': '{ "compilerOptions": { "noEmit": true, "outDir": "dist" } }' })).toEqual(typed)
  expect(await paths({ 'tailwind.config.ts': '' })).toEqual(typed)
})

test('a test that uses Seedbed is the first test; there is no other', async () => {
  const ours = "import { test } from '@seedbed/vitest'"
  const { plan, after } = await planOf({
    ...vitest,
    'src/a.test.ts': '',
    'src/users.test.ts': ours,
    'vitest.config.ts': config,
  })
  expect(Object.keys(after)).toEqual(['.gitignore'])
  expect(plan.tests[0]).toMatchObject({ path: 'src/users.test.ts' })
})

test.each([
  ['CommonJS', {}, {}, 'js', "const { db } = require('@seedbed/jest')\n"],
  ['as an existing test', {}, { 'test/a.test.js': "import a from 'a'" }, 'js', "import { db } from '@seedbed/jest'\n"],
  ['Babel', {}, { 'babel.config.js': '' }, 'js', "import { db } from '@seedbed/jest'\n"],
  ['ES modules without the flag', { type: 'module' }, {}, 'js', "const { db } = require('@seedbed/jest')\n"],
  [
    'ES modules with the flag',
    { type: 'module', scripts: { test: 'NODE_OPTIONS=--experimental-vm-modules jest' } },
    {},
    'js',
    "import { db } from '@seedbed/jest'\n",
  ],
  [
    'TypeScript without types of globals',
    { dependencies: { typescript: '*', 'ts-jest': '*' } },
    {},
    'ts',
    "import { expect, test } from '@jest/globals'\nimport { db } from '@seedbed/jest'\n",
  ],
])('a first test for Jest, in the modules that Jest takes here: %s', async (_, more, files, ending, start) => {
  const { after } = await planOf({ 'package.json': manifest(['jest'], more), ...files })
  expect(after[`test/database.test.${ending}`]!.startsWith(start)).toBe(true)
})

test('nothing is planned twice: what was written is found in place', async () => {
  for (const runner of ['vitest', 'jest']) {
    await using project = await makeProject({
      'package.json': manifest([runner, `@seedbed/${runner}`, '@seedbed/core', 'typescript'], { type: 'module' }),
      'schema.sql': 'create table a ()',
      'migrations/1.sql': 'create table a ()',
      '.env': 'DB_HOST=localhost\nPROD_DATABASE_URL=postgresql://a:b@c.example.com/d',
    })
    const { files } = await planInit({ folder: project.folder })
    expect(files.map(({ path }) => path)).toContain('seedbed.config.ts')
    await writeFiles(project.folder, Object.fromEntries(files.map(({ path, after }) => [path, after])))
    expect(await planInit({ folder: project.folder })).toMatchObject({ files: [], byHand: [], install: null })
  }
})
