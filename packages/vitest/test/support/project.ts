import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

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

export interface Outcome {
  exitCode: number | null
  /** Standard output and error, without colours. */
  output: string
}

export interface Running {
  child: ChildProcess
  output(): string
  /** Resolves when the output since the last call matches; rejects when the process ends first. */
  printed(pattern: RegExp): Promise<void>
  ended: Promise<Outcome>
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

  const start: Project['start'] = ({ args = ['run'], env = {} } = {}) => {
    const child = spawn(node, [join(modules, 'vitest', 'vitest.mjs'), ...args], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        SEEDBED_HOME: process.env.SEEDBED_HOME,
        NO_COLOR: '1',
        ...env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let text = ''
    let seen = 0
    const waiting = new Set<() => void>()
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', chunk => {
        text += chunk
        for (const look of waiting) look()
      })
    }
    const ended = once(child, 'close').then(([exitCode]) => {
      for (const look of waiting) look()
      return { exitCode: exitCode as number | null, output: text }
    })
    return {
      child,
      ended,
      output: () => text,
      printed: pattern =>
        new Promise((resolve, reject) => {
          const look = () => {
            const match = pattern.exec(text.slice(seen))
            if (match) seen += match.index + match[0].length
            else if (child.exitCode === null) return
            waiting.delete(look)
            if (match) resolve()
            else reject(new Error(`Vitest ended before it printed ${pattern}:\n${text}`))
          }
          waiting.add(look)
          look()
        }),
    }
  }
  return {
    folder,
    write,
    start,
    vitest: options => start(options).ended,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
