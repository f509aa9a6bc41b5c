import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SeedbedError } from '@seedbed/environments/errors'
import { loadConfig } from '../../src/config/load-config.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedbed-config-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

async function failure(from = folder): Promise<SeedbedError> {
  const error = await loadConfig(from).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(SeedbedError)
  return error as SeedbedError
}

describe('finds and loads', () => {
  test.each([
    [
      'seedbed.config.ts',
      "import { name } from './name.js'\nenum E { A = 'a' }\nexport default { migrations: name as string, extensions: [E.A] }",
      { 'name.ts': "export const name: string = './m'" },
    ],
    ['seedbed.config.mts', "export default { migrations: './m' satisfies string, extensions: ['a'] }", {}],
    [
      'seedbed.config.js',
      "import { name } from './name.js'\nexport default { migrations: name, extensions: ['a'] }",
      { 'name.js': "export const name = './m'", 'package.json': '{"type":"module"}' },
    ],
    ['seedbed.config.mjs', "export default await Promise.resolve({ migrations: './m', extensions: ['a'] })", {}],
    ['seedbed.config.cjs', "module.exports = { migrations: './m', extensions: ['a'] }", {}],
    ['seedbed.config.cjs', "exports.__esModule = true; exports.default = { migrations: './m', extensions: ['a'] }", {}],
    ['seedbed.config.json', '\ufeff{ "$schema": "x", // said\n "migrations": "./m", "extensions": ["a"] }', {}],
  ])('%s', async (name, content, others) => {
    await write({ 'package.json': '{}', [name]: content, ...others })
    expect(await loadConfig(folder)).toEqual({
      folder,
      file: join(folder, name),
      config: { migrations: './m', extensions: ['a'] },
    })
  })

  test('the project’s own TypeScript config with defineConfig', async () => {
    const core = join(import.meta.dirname, '../../src/config/config.ts')
    await write({
      'seedbed.config.ts': `import { defineConfig } from ${JSON.stringify(core)}\nexport default defineConfig({ variables: ({ url }) => ({ U: url }) })`,
    })
    const { config } = await loadConfig(folder)
    const parts = { url: 'x', host: '', port: 1, user: '', password: '', database: '', urlOf: String }
    expect(config.variables!(parts)).toEqual({ U: 'x' })
  })

  test('upwards, to the nearest package.json and no further', async () => {
    await write({
      'seedbed.config.json': '{ "seeds": "./up" }',
      'a/b/c/file': '',
      'stop/package.json': '{}',
      'stop/deeper/file': '',
      'repository/.git/HEAD': '',
      'repository/inner/file': '',
      'both/package.json': '{}',
      'both/seedbed.config.json': '{}',
    })
    expect((await loadConfig(join(folder, 'a/b/c'))).config).toEqual({ seeds: './up' })
    expect(await loadConfig(join(folder, 'stop/deeper'))).toEqual({
      folder: join(folder, 'stop'),
      file: null,
      config: {},
    })
    const inner = join(folder, 'repository/inner')
    expect(await loadConfig(inner)).toEqual({ folder: inner, file: null, config: {} })
    expect((await loadConfig(join(folder, 'both'))).file).toBe(join(folder, 'both/seedbed.config.json'))
  })

  test.each([
    ['seedbed.config.mjs', 'export default { seeds: "SEEDS" }'],
    ['seedbed.config.cjs', 'module.exports = { seeds: "SEEDS" }'],
    ['seedbed.config.ts', 'export default { seeds: "SEEDS" as string }'],
    ['seedbed.config.json', '{ "seeds": "SEEDS" }'],
  ])('%s is read again when it has changed', async (name, content) => {
    for (const seeds of ['one', 'two', 'one']) {
      await write({ 'package.json': '{}', [name]: content.replace('SEEDS', seeds) })
      expect((await loadConfig(folder)).config).toEqual({ seeds })
    }
  })

  test('everything that exists is accepted', async () => {
    await write({
      'seedbed.config.mjs': `export default {
        migrations: { command: 'make migrate', dependsOn: ['db'] }, seeds: ['a.json', 'b'], isolation: 'transaction',
        server: { container: { image: 'postgres:17', reuse: true } }, variables: () => ({}), extensions: [],
        environments: { test: { url: undefined } },
      }`,
    })
    expect((await loadConfig(folder)).config.server).toEqual({ container: { image: 'postgres:17', reuse: true } })
    await write({
      'seedbed.config.mjs':
        "export default { server: 'container', seeds: undefined, environments: { test: { url: 'postgres://u:p@h/d' } } }",
    })
    expect((await loadConfig(folder)).config.server).toBe('container')
  })
})

describe('refuses', () => {
  test('two configs', async () => {
    await write({ 'seedbed.config.ts': '', 'seedbed.config.json': '{}' })
    const error = await failure()
    expect(error.code).toBe('CONFIG_SEVERAL_FILES')
    expect(error.message).toContain('seedbed.config.json and seedbed.config.ts')
  })

  test.each([
    [
      'seedbed.config.ts',
      'export default {\n  seeds: process.env.X!.length.toFixed(),\n}',
      /cannot be loaded: .*undefined.* \(line 2\)/,
    ],
    ['seedbed.config.ts', 'export default {\n  seeds: = 1,\n}', /cannot be loaded: .*/],
    ['seedbed.config.mjs', "import './missing.js'", /cannot be loaded: Cannot find module .*missing\.js/],
    ['seedbed.config.cjs', "\nthrow new Error('no')", /cannot be loaded: no \(line 2\)/],
    ['seedbed.config.mjs', "throw 'a string'", /cannot be loaded: a string/],
    ['seedbed.config.json', '{\n  "seeds": x\n}', /cannot be loaded: line 2: InvalidSymbol/],
    ['seedbed.config.json', '', /cannot be loaded: line 1: /],
  ])('%s that fails: %j', async (name, content, message) => {
    await write({ 'package.json': '{}', [name]: content })
    const error = await failure()
    expect(error.code).toBe('CONFIG_CANNOT_LOAD')
    expect(error.message).toContain(join(folder, name))
    expect(error.message).toMatch(message)
  })

  test.each([
    ['export const config = {}', 'exports nothing as its default'],
    ['export default []', 'exports an empty list'],
    ["export default 'x'", 'exports a string'],
    ['export default () => ({})', 'exports a function'],
    ['export default null', 'exports null'],
  ])('no object: %s', async (content, message) => {
    for (const name of ['seedbed.config.mjs', 'seedbed.config.ts']) {
      await write({ 'package.json': '{}', [name]: content })
      const error = await failure()
      expect(error.code).toBe('CONFIG_NOT_AN_OBJECT')
      expect(error.message).toContain(message)
      await rm(join(folder, name))
    }
  })

  test.each([
    ['{ migration: "x" }', 'migration', 'Did you mean migrations?'],
    ['{ Seeds: "x" }', 'Seeds', 'Did you mean seeds?'],
    [
      '{ colour: 1 }',
      'colour',
      'The options here are: migrations, seeds, isolation, sequences, users, ownThread, keep, server',
    ],
    ['{ __proto__: null, toString: 1 }', 'toString', 'The options here are'],
    ['{ migrations: { comand: "x", dependsOn: ["a"] } }', 'migrations.comand', 'Did you mean command?'],
    ['{ server: { container: { imgae: "x" } } }', 'server.container.imgae', 'Did you mean image?'],
    ['{ server: { embedded: {} } }', 'server.embedded', 'The options here are: container'],
    ['{ select: { brnaches: {} } }', 'select.brnaches', 'Did you mean branches?'],
    ['{ environments: { test: { uri: "postgres://h/d" } } }', 'environments.test.uri', 'Did you mean url?'],
  ])('the unknown option of %s', async (content, option, hint) => {
    await write({ 'seedbed.config.mjs': `export default ${content}` })
    const error = await failure()
    expect(error.code).toBe('CONFIG_UNKNOWN_OPTION')
    expect(error.message).toContain(`seedbed.config.mjs: there is no option ${option}.`)
    expect(error.hint).toContain(hint)
  })

  test.each([
    ['{ migrations: 3 }', 'migrations is the number 3', 'a path, or { command, dependsOn }'],
    ['{ migrations: " " }', 'migrations is a string', 'a path'],
    ['{ migrations: ["a"] }', 'migrations is a list', 'a path'],
    ['{ migrations: null }', 'migrations is null', 'a path'],
    ['{ migrations: { command: "x" } }', 'migrations.dependsOn is missing', 'at least one path'],
    ['{ migrations: { dependsOn: ["x"] } }', 'migrations.command is missing', 'a shell command'],
    ['{ migrations: { command: "x", dependsOn: [] } }', 'migrations.dependsOn is an empty list', 'at least one path'],
    ['{ migrations: { command: "x", dependsOn: "a" } }', 'migrations.dependsOn is a string', 'at least one path'],
    ['{ migrations: { command: "x", dependsOn: [1] } }', 'migrations.dependsOn[0] is the number 1', 'a path'],
    ['{ seeds: {} }', 'seeds is an object', 'a path or several'],
    ['{ seeds: "" }', 'seeds is an empty string', 'a path or several'],
    ['{ seeds: ["a", 2] }', 'seeds[1] is the number 2', 'a path'],
    ['{ isolation: "transactions" }', "isolation is 'transactions'", "'transaction'"],
    ['{ server: "docker" }', "server is 'docker'", "'embedded' or 'container'"],
    ['{ server: "postgres://u:secret@h/d" }', 'server is a string', "'embedded' or 'container'"],
    ['{ server: true }', 'server is the boolean true', "'embedded' or 'container'"],
    ['{ server: {} }', 'server.container is missing', 'an object with image, reuse'],
    ['{ server: { container: "postgres:17" } }', 'server.container is a string', 'an object with image, reuse'],
    ['{ server: { container: { image: 17 } } }', 'server.container.image is the number 17', 'the name of an image'],
    ['{ server: { container: { reuse: "yes" } } }', 'server.container.reuse is a string', 'true or false'],
    ['{ users: ["jobs"] }', 'users is a list', 'an object of names'],
    ['{ users: { jobs: "runner" } }', 'users.jobs is a string', 'an object with role'],
    ['{ users: { jobs: { role: "" } } }', 'users.jobs.role is an empty string', 'the name of a role'],
    ['{ ownThread: 1 }', 'ownThread is the number 1', 'true or false'],
    ["{ keep: 'all' }", "keep is 'all'", "'failed'"],
    ['{ keep: true }', 'keep is the boolean true', "'failed'"],
    ['{ variables: { A: "b" } }', 'variables is an object', 'a function'],
    ['{ extensions: "pgcrypto" }', 'extensions is a string', 'a list of names'],
    ['{ extensions: [null] }', 'extensions[0] is null', 'the name of an extension'],
    ['{ environments: "test" }', 'environments is a string', 'an object of names'],
    ['{ environments: { test: "postgres://u:secret@h/d" } }', 'environments.test is a string', 'an object with url'],
    ['{ environments: { test: { url: "" } } }', 'environments.test.url is an empty string', 'a URL such as'],
    [
      '{ environments: { test: { url: "mysql://u:secret@h/d" } } }',
      'environments.test.url is a string',
      'a URL such as',
    ],
  ])('the value of %s', async (content, message, hint) => {
    await write({ 'seedbed.config.mjs': `export default ${content}` })
    const error = await failure()
    expect(error.code).toBe('CONFIG_WRONG_VALUE')
    expect(error.message).toContain(`seedbed.config.mjs: ${message}.`)
    expect(error.hint).toContain(hint)
    expect(error.message).not.toContain('secret')
  })
})
