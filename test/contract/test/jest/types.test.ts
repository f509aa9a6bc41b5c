import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { makeProject } from '../support/project.js'

const compilerOptions = {
  module: 'nodenext',
  strict: true,
  resolveJsonModule: true,
  skipLibCheck: true,
  noEmit: true,
  types: ['node'],
}

const uses = `
  void db.query<{ id: number }>('select 1 as id').then(({ rows }) => rows[0]!.id.toFixed())
  seeds.users.ada.name.toUpperCase()
  isolation('restore', (name: string) => name)('the very function').toUpperCase()
  // @ts-expect-error -- there is no such isolation
  isolation('commit')
  // @ts-expect-error -- a statement has to be text
  void db.query(1)
  // @ts-expect-error -- there is no such label
  seeds.users.eve`

test('db and seeds are typed, by import and by require, with the labels of the project’s seeds', async () => {
  await using project = await makeProject({
    'tsconfig.json': JSON.stringify({ compilerOptions, include: ['*.ts', '*.cts', '*.mts'] }),
    'seedbed.d.ts': `
      import type users from './seeds/users.json'
      declare module '@seedbed/jest' { interface SeedFiles { users: typeof users } }`,
    'a.test.mts': `import { db, isolation, seeds } from '@seedbed/jest'\n${uses}`,
    'b.test.cts': `import seedbed = require('@seedbed/jest')\nconst { db, isolation, seeds } = seedbed\n${uses}`,
    'jest.config.cts': `
      import withSeedbed = require('@seedbed/jest/with-seedbed')
      export = withSeedbed({ preset: 'ts-jest', testEnvironment: 'jsdom' })`,
  })
  const compiler = join(import.meta.dirname, '../../../../node_modules/typescript/bin/tsc')
  const compiled = promisify(execFile)(process.execPath, [compiler, '--pretty', 'false'], { cwd: project.folder })
  expect(await compiled.then(({ stdout }) => stdout).catch((error: { stdout: string }) => error.stdout)).toBe('')
})
