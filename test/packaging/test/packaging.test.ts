import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { publishedPackages, root } from '../../../scripts/workspaces.mjs'
import { createPackedProject, type PackedPackage, type PackedProject } from './packed-project.js'

/** What they do, they do in a test file of a runner, or before a script: other tests here import them there. */
const notByThemselves = new Set(['@seedbed/vitest', '@seedbed/jest', '@seedbed/environments/register'])

let project: PackedProject
beforeAll(() => {
  project = createPackedProject()
})
afterAll(() => project?.[Symbol.dispose]())

const names = publishedPackages().map(({ manifest }) => manifest.name as string)
const packedAs = (name: string): PackedPackage => project.packages.find(candidate => candidate.name === name)!

describe.each(names)('%s', name => {
  let packed: PackedPackage
  beforeAll(() => {
    packed = packedAs(name)
  })

  test('the tarball holds the built files, what is said about them, and nothing else', () => {
    const built = packed.files.filter(path => /^dist\/.+\.(js|cjs|d\.ts|d\.cts)$/.test(path))
    // Data folders that core unpacks where initdb cannot run.
    const prepared = packed.files.filter(path => name === '@seedbed/core' && path.startsWith('prepared/'))
    const rest = packed.files.filter(path => !built.includes(path) && !prepared.includes(path))
    expect(rest.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json'])

    // An entry that is packed as CommonJS holds names, and its code stands beside it.
    const sourceOf = (path: string) =>
      path
        .replace(/^dist/, 'src')
        .replace(/-code\.cjs$/, '.js')
        .replace(/\.(?:d\.)?(c?)[jt]s$/, '.$1ts')
    // What several files of a package share, and what is loaded later.
    const own = built.filter(path => !path.startsWith('dist/chunks/'))
    expect(own.filter(path => !existsSync(join(packed.source, sourceOf(path))))).toEqual([])
    expect(built.filter(path => /\.test\.|\/test\//.test(path))).toEqual([])
  })

  test('has the licence, and a README that names it', () => {
    const read = (file: string) => readFileSync(join(project.folder, 'node_modules', name, file), 'utf8')
    expect(read('LICENSE')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'))
    expect(read('README.md')).toContain(name)
  })
})

test.each(['@seedbed/core', '@seedbed/jest'])('TypeScript that knows no `exports` finds what %s imports are', name => {
  const { main, types, exports } = JSON.parse(
    readFileSync(join(project.folder, 'node_modules', name, 'package.json'), 'utf8'),
  ) as { main: string; types: string; exports: { '.': { types: string; default: string } } }
  expect({ types, default: main }).toEqual(exports['.'])
})

test('@seedbed/environments is one module for require and import, and register goes before a script', () => {
  project.write({
    'environments/seedbed.config.json': JSON.stringify({
      environments: { staging: { url: 'postgresql://app:x@db.example.com/shop' } },
    }),
    'environments/script.mjs': `
      import { createRequire } from 'node:module'
      import { SeedbedError } from '@seedbed/environments'
      console.log(createRequire(import.meta.url)('@seedbed/environments').SeedbedError === SeedbedError, process.env.PGHOST)`,
    'environments/start.mjs': `
      import { spawnSync } from 'node:child_process'
      const command = ['--import', '@seedbed/environments/register', 'script.mjs']
      const env = { ...process.env, ENVIRONMENT: 'staging' }
      spawnSync(process.execPath, command, { cwd: import.meta.dirname, env, stdio: 'inherit' })`,
  })
  expect(project.node('environments/start.mjs')).toBe('true db.example.com\n')
})

test('the runner of @seedbed/vitest requires the very scopes that whoever imports them has', () => {
  const script = `
    const { openScopes } = await import('@seedbed/core/scopes')
    console.log(process.getBuiltinModule('node:module').createRequire(process.cwd() + '/x')('@seedbed/core/scopes.cjs').openScopes === openScopes)`
  expect(project.node('--input-type=module', '--eval', script)).toBe('true\n')
  const runner = readFileSync(join(project.folder, 'node_modules/@seedbed/vitest/dist/runner.js'), 'utf8')
  expect(runner.match(/["']@seedbed\/core[^"']*["']/g)).toEqual(['"@seedbed/core/scopes.cjs"'])
})

test('@seedbed/core finds its own files by its name: what is packed stands in other files than what is built', () => {
  const { files } = packedAs('@seedbed/core')
  const text = (file: string) => readFileSync(join(project.folder, 'node_modules/@seedbed/core', file), 'utf8')
  const scripts = files.filter(file => /\.c?js$/.test(file))
  expect(scripts.filter(file => /new URL\(["'`]\.\.?\/[^)]*(import\.meta\.url|__filename)/.test(text(file)))).toEqual(
    [],
  )

  // `init` is for projects that have no adapter yet, and installs the one of its own version.
  project.write({ 'fresh/package.json': '{ "devDependencies": { "vitest": "4" } }' })
  const script = `const { install } = await (await import('@seedbed/core')).planInit({ folder: 'fresh' }); console.log(...install.packages)`
  const { version } = JSON.parse(text('package.json')) as { version: string }
  expect(project.node('--input-type=module', '--eval', script)).toBe(
    `@seedbed/vitest@${version} @seedbed/core@${version}\n`,
  )
})

test('what only a command of @seedbed/core needs, nobody loads who imports it: a config and every run wait for that', () => {
  const later = ['@babel/parser', 'jsonc-parser', 'libpg-query', 'pg', 'pg-copy-streams', 'tar']
  const paths = later.map(name => join(project.folder, 'node_modules', name))
  for (const path of paths) renameSync(path, `${path}-elsewhere`)
  try {
    project.node('--input-type=module', '--eval', "await import('@seedbed/core')")
  } finally {
    for (const path of paths) renameSync(`${path}-elsewhere`, path)
  }
})

test('no file of @seedbed/core imports one that is started as a process: in a runner with a parent it would hear its messages', () => {
  const { files } = packedAs('@seedbed/core')
  const text = (file: string) => readFileSync(join(project.folder, 'node_modules/@seedbed/core', file), 'utf8')
  const scripts = files.filter(file => /\.c?js$/.test(file))
  const started = scripts.filter(file => /^process\.(on|once)\(/m.test(text(file)))
  expect(started).toEqual(['dist/migrations/knex-process-code.cjs'])
  const loads = /(from|import|require|import\.meta\.url\)) ?\(?["'][^"']*knex-process(-code\.cjs|\.js)["']/
  const loading = scripts.filter(file => loads.test(text(file)))
  expect(loading).toEqual(['dist/migrations/knex-process.js'])
})

/** It is a command, and nothing can be imported from it. */
const onlyCommand = 'seedbed'

describe.each(names.filter(name => name !== onlyCommand))('%s as a library', name => {
  let packed: PackedPackage
  beforeAll(() => {
    packed = packedAs(name)
  })

  test('every entry is imported as ESM', () => {
    const entries = packed.entries.filter(entry => !notByThemselves.has(entry))
    const script = entries.map(entry => `console.log(Object.keys(await import('${entry}')).length)`).join('\n')
    const counts = project.node('--input-type=module', '--eval', script).trim().split('\n').map(Number)
    expect(counts).toHaveLength(entries.length)
    for (const count of counts) expect(count).toBeGreaterThan(0)
  })

  test.each(['nodenext', 'bundler'])('its types hold for a strict consumer (moduleResolution %s)', moduleResolution => {
    const imports = packed.entries.map((entry, index) => `export type Entry${index} = typeof import('${entry}')\n`)
    project.write({
      'types/consumer.ts': imports.join(''),
      'types/tsconfig.json': JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          target: 'es2023',
          lib: ['es2023', 'esnext.disposable'],
          types: ['node'],
          module: moduleResolution === 'bundler' ? 'esnext' : moduleResolution,
          moduleResolution,
          skipLibCheck: false,
        },
      }),
    })
    expect(typeErrors().filter(line => line.startsWith('types/') || line.includes(`node_modules/${name}/`))).toEqual([])
  })
})

test('one line in the config of Vitest or Jest, and a test starts on the seed and leaves no trace; so does a command', () => {
  project.write({
    'vitest.config.ts': `
      import { defineConfig } from 'vitest/config'
      import seedbed from '@seedbed/vitest/plugin'
      export default defineConfig({ plugins: [seedbed()] })`,
    'migrations/001_person.sql':
      'create table person (id int generated always as identity primary key, name text not null)',
    'seeds/person.json': '{ "person": { "ada": { "name": "Ada" } } }',
    'test/person.test.ts': `
      import { expect } from 'vitest'
      import { db, seeds, test } from '@seedbed/vitest'
      test.each([1, 2])('renames, %i', async () => {
        const { rows } = await db.query('update person set name = name || $1 where id = $2 returning name', [' L.', seeds.person!.ada!.id])
        expect(rows).toEqual([{ name: 'Ada L.' }])
      })
      test('with fixtures', async ({ db, seeds }) => {
        expect((await db.query('select name from person')).rows).toEqual([{ name: seeds.person!.ada!.name }])
      })`,
  })
  const home = mkdtempSync(join(tmpdir(), 'seedbed-home-'))
  try {
    chmodSync(home, 0o711) // as root, PostgreSQL runs as somebody else
    process.env['SEEDBED_HOME'] = home
    const report = project.node('node_modules/vitest/vitest.mjs', 'run', '--reporter=json')
    expect(JSON.parse(report)).toMatchObject({ success: true, numPassedTests: 3, numTotalTests: 3 })

    project.write({
      'jest.config.cjs': "module.exports = { preset: '@seedbed/jest', testMatch: ['**/*.spec.cjs'] }",
      'test/person.spec.cjs': `
        const { db, seeds } = require('@seedbed/jest')
        test.each([1, 2])('renames, %i', async () => {
          const { rows } = await db.query("update person set name = name || ' L.' where id = $1 returning name", [seeds.person.ada.id])
          expect(rows).toStrictEqual([{ name: 'Ada L.' }])
        })`,
    })
    process.env['SEEDBED_REPORT'] = 'report.json'
    const results = project.node('node_modules/jest/bin/jest.js', '--json')
    delete process.env['SEEDBED_REPORT']
    expect(JSON.parse(results)).toMatchObject({ success: true, numPassedTests: 2, numTotalTests: 2 })
    const reused: unknown = JSON.parse(readFileSync(join(project.folder, 'report.json'), 'utf8'))
    expect(reused).toMatchObject({ runs: [{ templateBuilt: null, tests: { count: 2 } }] })

    project.write({
      'rename.mjs': `
        import pg from 'pg'
        const client = new pg.Client()
        await client.connect()
        const { rows } = await client.query("update person set name = name || ' L.' returning name")
        console.log(rows[0].name)
        await client.end()`,
    })
    const renamed = [1, 2].map(() => project.command('seedbed', 'run', '--', 'node', 'rename.mjs'))
    expect(renamed).toEqual(['Ada L.\n', 'Ada L.\n'])
  } finally {
    delete process.env['SEEDBED_HOME']
    rmSync(home, { recursive: true, force: true })
  }
})

/** Every line of the compiler's; those about other packages' declarations are not ours to mend. */
function typeErrors(): string[] {
  try {
    project.node('node_modules/typescript/bin/tsc', '-p', 'types', '--pretty', 'false')
    return []
  } catch (error) {
    return (error as Error).message.split('\n').slice(1)
  }
}
