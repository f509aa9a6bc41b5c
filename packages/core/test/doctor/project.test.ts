import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freeIn } from '../../src/doctor/check-disk.js'
import { node, oneVersion, runnerFits } from '../../src/doctor/check-versions.js'
import { checks } from '../../src/doctor/checks.js'
import { findingsOf } from '../../src/doctor/doctor.js'
import { CannotCheck, ok } from '../../src/doctor/finding.js'
import { shareAmongChecks } from '../../src/doctor/shared.js'
import { hostIdentity } from '../../src/server/process-identity.js'
import { makeProject } from './support.js'

const live = { production: { url: 'postgresql://live:x9kQzr7@db.shop.io/shop' } }

test('a check that breaks ends no other, and is not taken for one that has found nothing', async () => {
  const shared = shareAmongChecks('/', undefined)
  const found = async (error: Error) =>
    findingsOf(
      {
        name: 'broken',
        about: '',
        async *run() {
          yield ok('so far')
          throw error
        },
      },
      shared,
    )
  const [first, broken] = await found(new TypeError('x is not a function'))
  expect(first).toMatchObject({ check: 'broken', level: 'ok', found: 'so far' })
  expect(broken).toMatchObject({ level: 'skipped', found: 'this check has failed: x is not a function' })
  expect((await found(new CannotCheck('no git')))[1]).toMatchObject({ level: 'skipped', found: 'no git' })
})

test('a config that cannot be used: one check says why, and those that need it are skipped', async () => {
  const { diagnose } = makeProject({ nonsense: 1 } as object)
  const { of, at, findings } = await diagnose()
  expect(of('config')).toEqual([expect.stringMatching(/^problem: .*nonsense/)])
  expect(findings[0]).toMatchObject({ why: 'docs/errors/CONFIG_UNKNOWN_OPTION.md says more.' })
  expect(at('problem')).toHaveLength(1)
  expect(of('rights')).toEqual(['skipped: the config cannot be used'])
  expect(of('disk').some(line => line.startsWith('ok: '))).toBe(true)
})

test('what the config does not say, and the variable that would', async () => {
  const { diagnose } = makeProject({ environments: { staging: { variable: 'STAGING_DATABASE_URL' }, ...live } })
  const { of, findings } = await diagnose({ ENVIRONMENT: 'staging' })
  expect(of('config')).toEqual([
    expect.stringMatching(/^ok: .*seedbed\.config\.json is valid/),
    expect.stringMatching(/^problem: staging would be used here: ENVIRONMENT=staging; .*staging/),
    expect.stringMatching(/^warning: .*staging/),
  ])
  expect(findings.find(({ level }) => level === 'warning')).toMatchObject({
    variable: 'STAGING_DATABASE_URL',
    environment: { name: 'staging' },
  })
  const contradiction = await diagnose({ ENVIRONMENT: 'nobody' })
  expect(contradiction.of('config').at(-1)).toMatch(/^problem: ENVIRONMENT=nobody: there is no environment "nobody"/)
})

test('two environments with one database', async () => {
  const { diagnose } = makeProject({
    environments: { staging: { url: 'postgresql://other@DB.shop.io:5432/shop' }, ...live },
  })
  const { of } = await diagnose({ VITEST: 'true' })
  expect(of('config')).toContain('problem: db.shop.io:5432/shop is main of staging and main of production')
})

test('variables that lead to production', async () => {
  const { diagnose, write } = makeProject({ environments: { production: { variable: 'LIVE_URL' } } })
  write('.env', `LIVE_URL=${live.production.url}\nPGHOST=db.shop.io\n`)
  const { of, findings, text } = await diagnose({ DATABASE_URL: live.production.url, VITEST: 'true' })
  expect(of('variables')).toEqual([
    'warning: PGHOST in .env leads to production',
    'warning: DATABASE_URL of this process leads to production',
    'ok: these lead to a protected environment, and refuse in tests: LIVE_URL',
    'skipped: whether git tracks .env: this is no git repository',
  ])
  expect(findings.find(({ variable }) => variable === 'DATABASE_URL')).toMatchObject({ level: 'warning', file: null })
  expect(text).not.toContain('x9kQzr7')
  const none = makeProject({})
  expect((await none.diagnose()).of('variables')).toEqual(['ok: no variable leads to a protected environment'])
})

test('.env and connection strings that git tracks', async () => {
  const { diagnose, write, git, folder } = makeProject({ environments: { production: { variable: 'LIVE_URL' } } })
  git('init', '-q')
  write('.env', `LIVE_URL=${live.production.url}\n`)
  write('.gitignore', '.env\n')
  write('ignored/deep.ts', '')
  git('add', '.')
  const good = await diagnose({ VITEST: 'true' })
  expect(good.of('variables').at(-1)).toBe('ok: git does not track .env')
  expect(good.of('secrets')).toEqual([
    expect.stringMatching(/^ok: no password of another server in \d+ tracked files$/),
  ])

  write(
    'src/old.ts',
    `\nconnect('postgres://ada:x9kQzr7@old.shop.io/shop')\nconnect('postgres://ada:ada@localhost/shop')\n`,
  )
  write('docs/how.md', 'psql postgres://ada:x9kQzr7@old.shop.io/shop')
  write('docs/real.md', `psql ${live.production.url}`)
  write('dump.bin', `\0 ${live.production.url}`)
  write('large.json', `"${live.production.url}"`)
  truncateSync(join(folder, 'large.json'), 2 * 1024 * 1024)
  write('gone.ts', live.production.url)
  git('add', '--force', '.')
  rmSync(join(folder, 'gone.ts'))
  write('untracked.ts', live.production.url)
  const { of, findings, text } = await diagnose({ VITEST: 'true' })
  expect(of('variables').at(-1)).toBe('warning: .env is tracked by git')
  expect(of('secrets')).toEqual([
    'problem: .env:1 has a password of production for the user live',
    'warning: docs/how.md:1 has a password of a server, old.shop.io, for the user ada',
    'problem: docs/real.md:1 has a password of production for the user live',
    'problem: src/old.ts:2 has a password of a server, old.shop.io, for the user ada',
  ])
  expect(findings.find(({ file }) => file === 'src/old.ts')).toMatchObject({
    line: 2,
    wayOut: [expect.any(String), expect.any(String)],
  })
  expect(text).not.toContain('x9kQzr7')
})

test('the PostgreSQL from npm, its extensions, and the folder of SEEDBED_HOME', async () => {
  const { diagnose, folder } = makeProject({ extensions: ['pgcrypto', 'nonesuch'] })
  const { of } = await diagnose()
  expect(of('installation')).toEqual([
    expect.stringMatching(/^ok: postgres \(PostgreSQL\) 18\.\d+ from npm runs on \w+-\w+ as \w+; its folder is /),
    'ok: the extension pgcrypto comes with it',
    'problem: the extension nonesuch does not come with the PostgreSQL from npm',
  ])
  const colon = await diagnose({ SEEDBED_HOME: join(folder, 'a:b') })
  expect(colon.of('installation')).toEqual([expect.stringMatching(/^problem: .*colon/)])
  writeFileSync(join(folder, 'file'), '')
  const file = await diagnose({ SEEDBED_HOME: join(folder, 'file/home') })
  expect(file.of('installation')).toEqual([expect.stringMatching(/^problem: .*file\/home.*ENOTDIR/)])
  // It starts no server.
  expect(of('server')).toEqual(['skipped: Seedbed makes the tests’ server itself, when a run starts'])
})

test('a server in a container, without what it takes', async () => {
  const { of } = await makeProject({ server: 'container' }).diagnose({}, { only: 'installation' })
  expect(of('installation')).toEqual([expect.stringMatching(/^problem: .*@testcontainers\/postgresql/)])
})

test('servers whose project is gone, and room', async () => {
  const { diagnose, home, folder } = makeProject({})
  const host = await hostIdentity()
  const cluster = (name: string, record: object) => {
    mkdirSync(join(home, 'clusters', name), { recursive: true })
    writeFileSync(join(home, 'clusters', name, 'cluster.json'), JSON.stringify({ format: 2, host, ...record }))
  }
  cluster('here-1', { projectFolder: folder })
  expect((await diagnose()).of('disk').filter(line => line.startsWith('warning'))).toEqual([])
  cluster('gone-1', { projectFolder: join(folder, 'gone') })
  cluster('elsewhere-1', {
    projectFolder: join(folder, 'gone'),
    host: { ...host, machine: 'another', boot: 'another' },
  })
  const { of, at } = await diagnose()
  expect(of('disk')).toContain(`warning: 1 of 3 servers in ${home} are of projects that are gone`)
  expect(at('warning').find(({ check }) => check === 'disk')!.wayOut).toEqual([
    `rm -r ${join(home, 'clusters/gone-1')}`,
  ])
  const gigabyte = 1024 ** 3
  expect([2, 0.5, 0.1].map(free => freeIn('/tmp', free * gigabyte).level)).toEqual(['ok', 'warning', 'problem'])
})

test('migrations that could be two', async () => {
  const { diagnose, write } = makeProject({})
  expect((await diagnose()).of('migrations')).toEqual(['ok: migrations/ (1 .sql file)', 'ok: no seeds'])
  write('schema.sql', 'create table b ()')
  const { of, at } = await diagnose()
  expect(of('migrations')).toEqual([expect.stringMatching(/^problem: .*schema\.sql/)])
  expect(at('problem')).toHaveLength(1)
})

test('versions of Node, runners and packages, as they are installed', async () => {
  const { diagnose, write } = makeProject({})
  const install = (name: string, manifest: object) =>
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, ...manifest }))
  const versions = async () => (await diagnose()).of('versions').slice(1)
  expect(await versions()).toEqual([expect.stringMatching(/^skipped: no package of Seedbed/)])
  install('@seedbed/core', { version: '1.2.0' })
  install('@seedbed/vitest', { version: '1.2.0', peerDependencies: { vitest: '^3.2.0 || ^4.1.0' } })
  install('vitest', { version: '4.1.12' })
  install('pg', { version: '8.11.0' })
  expect(await versions()).toEqual([
    'ok: @seedbed/core, @seedbed/vitest: version 1.2.0',
    'ok: vitest 4.1.12, with @seedbed/vitest',
    expect.stringMatching(/^warning: there are two copies of pg: 8\.11\.0 of the project, and 8\.\d+\.\d+ of Seedbed$/),
  ])
  install('vitest', { version: '4.0.9' })
  install('@seedbed/core', { version: '1.1.0' })
  expect((await versions()).slice(0, 2)).toEqual([
    "problem: Seedbed's packages have several versions: @seedbed/core 1.1.0, @seedbed/vitest 1.2.0",
    'problem: @seedbed/vitest is not made for vitest 4.0.9',
  ])
  expect(['18.20.0', '20.18.9', '20.19.0', '22.0.0'].map(version => node(version).level)).toEqual([
    'problem',
    'problem',
    'ok',
    'ok',
  ])
  expect(runnerFits('@seedbed/jest', 'jest', undefined, '^29.7.0 || ^30.0.0')).toMatchObject({
    level: 'problem',
    wayOut: ['npm install -D jest@30'],
  })
  expect(oneVersion([{ name: 'a', version: '1' }]).level).toBe('ok')
})

test('the guide has a row for each check, and no other', () => {
  const guide = readFileSync(new URL('../../../../docs/guide/doctor.md', import.meta.url), 'utf8')
  const [ofDoctor] = guide.split('## Before a deployment')
  const rows = [...ofDoctor!.matchAll(/^\| `([a-z]+)` \| (.+) \|$/gm)].map(([, name, about]) => ({ name, about }))
  expect(rows).toEqual(checks.map(({ name, about }) => ({ name, about })))
})
