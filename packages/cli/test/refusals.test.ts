import { startPostgres, type PostgresForTests } from '@seedbed/postgres-for-tests'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeProject, withFiles, type Outcome } from './support/project.js'

let server: PostgresForTests
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.stop())

test.each([
  [[], /^Usage: seedbed /],
  [['rnu'], /unknown command 'rnu'\n\(Did you mean run\?\)/],
  [['psql'], /unknown command 'psql'\nseedbed --help lists the commands\./],
  [['--verison'], /unknown option '--verison'\n\(Did you mean --version\?\)/],
  [['run'], /missing required argument 'command'\n.*seedbed run -- psql/],
  [['run', '--'], /missing required argument 'command'/],
  [['run', '--hlep', 'psql'], /unknown option '--hlep'\n\(Did you mean --help\?\)\n.*stand behind --/],
])('wrong usage is explained: %j', async (args, expected) => {
  await using project = await makeProject({}, {})
  const { code, stdout, stderr } = await project.seedbed(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(expected)
})

test('--help and --version are answers', async () => {
  await using project = await makeProject({}, {})
  const [general, ofRun, version] = await Promise.all(
    [['--help'], ['run', '--help'], ['--version']].map(args => project.seedbed(args)),
  )
  expect(general).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^ +run .*run a command/m) as string,
    stderr: '',
  })
  expect(ofRun).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/Exit code: the command's own/) as string,
    stderr: '',
  })
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string, stderr: '' })
})

const tester = 'postgresql://tester:secret@127.0.0.1:1/postgres'
const seedbedConfig = (name: string, text: string) => withFiles({ [`seedbed.config.${name}`]: text })
test.each([
  [
    'a config that is wrong',
    seedbedConfig('json', '{ "seedz": "./seeds" }'),
    /Did you mean seeds\?\n {2}\(CONFIG_UNKNOWN_OPTION\)/,
  ],
  ['a config that cannot be loaded', seedbedConfig('mjs', 'throw new Error("no")'), /\(CONFIG_CANNOT_LOAD\)/],
  ['a server that is not there', withFiles({}), /\(SERVER_UNREACHABLE\)/],
])('what is not in order is said as in a runner, and nothing runs: %s', async (_, files, expected) => {
  await using project = await makeProject({ TEST_DATABASE_URL: tester }, files)
  expectRefusal(await project.seedbed(echo), expected)
})

test.each([
  ['migrations that are not there', seedbedConfig('json', '{ "migrations": "./db" }'), /\(MIGRATIONS_NOT_FOUND\)/],
  [
    'a migration that breaks',
    withFiles({ 'migrations/2.sql': 'create tabel posts ()' }),
    /migrations\/2\.sql:1:8: .*tabel/,
  ],
  [
    'a seed that does not fit',
    withFiles({ 'seeds/users.json': '{ "users": [{ "nmae": "Ada" }] }' }),
    /Did you mean "name"\?/,
  ],
])('and so is what the server has to be asked: %s', async (_, files, expected) => {
  await using project = await makeProject({ TEST_DATABASE_URL: server.url }, files)
  expectRefusal(await project.seedbed(echo), expected)
})

const echo = ['run', '--', 'echo', 'it ran']

function expectRefusal({ code, stdout, stderr }: Outcome, expected: RegExp): void {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^SeedbedError: /m)
  expect(stderr).toMatch(expected)
  expect(stderr).not.toMatch(/^ +at |secret/m)
}
