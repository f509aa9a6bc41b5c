import { readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProgram, type Ended, type Running } from '../../../../test/contract/test/support/program.js'

export type Outcome = Ended

/** What `npm run compat` sets, to run this suite with another Vitest and another Node. */
const {
  SEEDBED_TEST_MODULES: modules = fileURLToPath(new URL('../../../../node_modules', import.meta.url)),
  SEEDBED_TEST_NODE: node = process.execPath,
} = process.env

/** Of the Vitest that runs the projects: 3, 4 or 5. */
export const vitestMajor = Number(
  JSON.parse(readFileSync(join(modules, 'vitest/package.json'), 'utf8')).version.split('.')[0],
)

/** What a project has if a test does not say otherwise: two tables, three rows, the one line. */
const usualFiles: Record<string, string> = {
  'package.json': '{ "name": "project", "type": "module" }',
  'vitest.config.ts': `
    import { defineConfig } from 'vitest/config'
    import seedbed from '@seedbed/vitest/plugin'
    export default defineConfig({ plugins: [seedbed()] })`,
  'migrations/1_users.sql': `
    create table users (id int generated always as identity primary key, name text not null unique);
    create table posts (id int generated always as identity primary key, user_id int not null references users, title text);`,
  'seeds/users.json': '{ "users": { "ada": { "id": 1, "name": "Ada" }, "grace": { "id": 2, "name": "Grace" } } }',
}

export interface Project extends AsyncDisposable {
  folder: string
  write(files: Record<string, string>): Promise<void>
  /** Runs Vitest (`run` unless `args` says otherwise) to its end. */
  vitest(options?: { args?: string[]; env?: Record<string, string> }): Promise<Outcome>
  /** Starts it and leaves it running. */
  start(options?: { args?: string[]; env?: Record<string, string> }): Running
}

export async function makeProject(files: Record<string, string> = {}): Promise<Project> {
  const folder = await mkdtemp('/tmp/seedbed-project-')
  await chmod(folder, 0o755)
  const write = async (some: Record<string, string>) => {
    for (const [name, text] of Object.entries(some)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
  }
  await write({ ...usualFiles, ...files })
  await symlink(modules, join(folder, 'node_modules'))

  const start: Project['start'] = ({ args = ['run'], env = {} } = {}) =>
    startProgram([node, join(modules, 'vitest', 'vitest.mjs'), ...args], folder, env)
  return {
    folder,
    write,
    start,
    vitest: options => start(options).ended,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
