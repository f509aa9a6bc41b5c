import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

/** A script as teams have them, written before Seedbed: it loads `.env`, which says production, and connects. */
const script = `
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { execFileSync } from 'node:child_process'
const file = parseEnv(readFileSync('.env', 'utf8'))
for (const [name, value] of Object.entries(file)) {
  if (process.argv[2] === 'loadEnvFile') break
  if (process.argv[2] === 'override' || !(name in process.env)) process.env[name] = value
}
if (process.argv[2] === 'loadEnvFile') process.loadEnvFile()
const child = execFileSync(process.execPath, ['-p', 'process.env.DATABASE_URL'], { encoding: 'utf8' }).trim()
const { DATABASE_URL, REPORTS_URL, PGHOST, PGDATABASE, DB_HOST, PGHOSTADDR } = process.env
console.log(JSON.stringify({ DATABASE_URL, REPORTS_URL, PGHOST, PGDATABASE, DB_HOST, PGHOSTADDR, child }))
`
const config = {
  environments: {
    staging: { variable: 'STG_URL' },
    production: { variable: 'DATABASE_URL' },
  },
  select: { flags: { production: 'USE_PROD_DATABASE' }, default: 'staging' },
  consent: { variable: 'PRODUCTION_MODE' },
}
const env = `
DATABASE_URL=postgresql://live:secret@db.example.com/shop
REPORTS_URL=postgresql+asyncpg://live:secret@DB.example.com:5432/shop
DB_HOST=db.example.com
PGHOST=db.example.com
PGHOSTADDR=192.0.2.1
PGDATABASE=shop
STG_URL=postgresql://stg:pw@localhost:5432/shop_stg
`
const refused = expect.stringMatching(
  /^postgresql:\/\/nobody@%2Fseedbed%3A%20production%20is%20refused%20here\/refused$/,
) as string
const safe = {
  DATABASE_URL: 'postgresql://stg:pw@localhost:5432/shop_stg',
  REPORTS_URL: refused,
  PGHOST: 'localhost',
  PGDATABASE: 'shop_stg',
  DB_HOST: '/seedbed: production is refused here',
  child: 'postgresql://stg:pw@localhost:5432/shop_stg',
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'seedbed-register-'))
  mkdirSync(join(folder, 'node_modules/@seedbed'), { recursive: true })
  symlinkSync(resolve(import.meta.dirname, '../..'), join(folder, 'node_modules/@seedbed/environments'))
  writeFileSync(join(folder, 'package.json'), '{}')
  writeFileSync(join(folder, 'seedbed.config.json'), JSON.stringify(config))
  writeFileSync(join(folder, '.env'), env)
  writeFileSync(join(folder, 'script.mjs'), script)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function run(variables: Record<string, string>, ...parameters: string[]): { says: string; prints: unknown } {
  const { PATH } = process.env
  const errors = join(folder, 'errors')
  const command = `node --import @seedbed/environments/register script.mjs ${parameters.join(' ')} 2>errors`
  const output = execFileSync('sh', ['-c', `${command} || true`], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH, ...variables },
  })
  const says = execFileSync('cat', [errors], { encoding: 'utf8' })
  return { says, prints: output === '' ? undefined : JSON.parse(output) }
}

test('a script whose .env says production goes to the safe database, unchanged', () => {
  const { prints, says } = run({})
  // PGHOSTADDR, which would go before PGHOST, is not there: it stays unset.
  expect(prints).toEqual(safe)
  expect(says).toMatch(/^seedbed {2}\[STG\] staging: shop_stg \(default\)$/m)
  expect(says).toMatch(/^seedbed {2}DATABASE_URL leads to production: it refuses here$/m)
  expect(says).not.toMatch(/secret|pw/)
})

test('nor does a leaked variable of the shell lead it elsewhere', () => {
  const { prints } = run({ DATABASE_URL: 'postgresql://live:secret@db.example.com:5432/shop' })
  expect(prints).toMatchObject(safe)
})

test('.env loaded late, with override', () => {
  const { prints, says } = run({}, 'override')
  expect(prints).toMatchObject(safe)
  expect(says).toMatch(/^seedbed {2}DATABASE_URL was to lead to production: it is left as it was$/m)
})

test('.env loaded by Node itself', () => {
  expect(run({}, 'loadEnvFile').prints).toEqual(safe)
})

test('production that nobody has consented to: the script does not start', () => {
  const { prints, says } = run({ USE_PROD_DATABASE: 'true' })
  expect(prints).toBeUndefined()
  expect(says).toContain('PRODUCTION_WITHOUT_CONSENT')
  expect(says).not.toMatch(/secret|pw/)
})

test('production on its own machine', () => {
  const { prints } = run({ USE_PROD_DATABASE: 'true', PRODUCTION_MODE: 'true' })
  expect(prints).toMatchObject({
    DATABASE_URL: 'postgresql://live:secret@db.example.com:5432/shop',
    PGHOST: 'db.example.com',
  })
})

test('a production-mode variable in .env is none', () => {
  writeFileSync(join(folder, '.env'), `${env}PRODUCTION_MODE=true\n`)
  expect(run({ USE_PROD_DATABASE: 'true' }).says).toContain('PRODUCTION_WITHOUT_CONSENT')
})

test('under a runner the run has set the variables, and they stay', () => {
  const { prints, says } = run({ VITEST: 'true', DATABASE_URL: 'postgresql://t@localhost/worker' })
  expect(prints).toMatchObject({ DATABASE_URL: 'postgresql://t@localhost/worker' })
  expect(says).toBe('')
})

test('a config in TypeScript', () => {
  rmSync(join(folder, 'seedbed.config.json'))
  writeFileSync(join(folder, 'seedbed.config.ts'), `export default ${JSON.stringify(config)} satisfies object`)
  cpSync(join(folder, '.env'), join(folder, '.env.copy'))
  symlinkSync(resolve(import.meta.dirname, '../../../../node_modules/jiti'), join(folder, 'node_modules/jiti'))
  expect(run({}).prints).toMatchObject(safe)
})

test('a config that cannot be read: the script does not start', () => {
  writeFileSync(join(folder, 'seedbed.config.json'), '{ "environments": ')
  const { prints, says } = run({})
  expect(prints).toBeUndefined()
  expect(says).toContain('ENVIRONMENTS_NOT_READ')
})
