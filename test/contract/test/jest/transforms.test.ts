import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeProject, modules } from '../support/project.js'

/** In TypeScript, with an import that only types need. */
const source = `
  import { db, seeds, type Db } from '@seedbed/jest'
  const nameOf = async (client: Db, id: number): Promise<string> =>
    (await client.query<{ name: string }>('select name from users where id = $1', [id])).rows[0]!.name
  test('is compiled', async () => {
    expect(await nameOf(db, 1)).toBe('Ada')
    expect(seeds).toBeDefined()
  })`

const withSeedbed = (config: string) => `module.exports = require('@seedbed/jest/with-seedbed')(${config})`

// Jest's usual compilers are those of `npm run compat -- jest-29`: ts-jest needs a TypeScript older than the repository's.
describe.runIf(existsSync(join(modules, 'ts-jest')))('TypeScript, where the compilers are installed', () => {
  test.each([
    ['ts-jest as a preset', { 'jest.config.js': withSeedbed("{ preset: 'ts-jest' }") }],
    [
      'ts-jest as a transform beside our preset',
      { 'jest.config.js': `module.exports = { preset: '@seedbed/jest', transform: { '\\\\.ts$': 'ts-jest' } }` },
    ],
    ['swc', { 'jest.config.js': withSeedbed(`{ transform: { '\\\\.ts$': '@swc/jest' } }`) }],
    [
      'babel',
      {
        'jest.config.js': `module.exports = { preset: '@seedbed/jest' }`,
        'babel.config.js': `module.exports = { presets: [['@babel/preset-env', { targets: { node: 'current' } }], '@babel/preset-typescript'] }`,
      },
    ],
  ])('%s', async (_, files) => {
    const tsconfig = { compilerOptions: { module: 'nodenext', target: 'es2022', strict: true, types: ['jest'] } }
    await using project = await makeProject({
      'tsconfig.json': JSON.stringify(tsconfig),
      ...files,
      'a.test.ts': source,
    })
    const { tests, output } = await project.run()
    expect(tests, output).toEqual({ 'is compiled': ['passed'] })
  })
})
