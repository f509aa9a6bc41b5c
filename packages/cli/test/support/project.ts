import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
export const bin = here('../../dist/main.js')

const usualFiles: Record<string, string> = {
  'package.json': '{ "name": "project", "type": "module" }',
  'migrations/1_users.sql': 'create table users (id int generated always as identity primary key, name text unique)',
  'seeds/users.json': '{ "users": [{ "name": "Ada" }] }',
  // An application: what it is told on its command line, on a connection of its own, which it does not outlive.
  'app.mjs': `
    import pg from 'pg'
    const client = new pg.Client({ connectionString: process.env.DATABASE_URL, application_name: 'app' })
    client.on('error', () => process.exit(9))
    await client.connect()
    for (const sql of process.argv.slice(2)) {
      if (sql === 'stay') await new Promise(() => {})
      const { rows } = await client.query({ text: sql, rowMode: 'array' })
      if (rows.length > 0) console.log(rows.join(' '))
    }
    await client.end()`,
}

export interface Project extends AsyncDisposable {
  folder: string
  /** Runs the command to its end. */
  seedbed(args: string[], options?: Options): Promise<Outcome>
  /** Starts it and leaves it running. */
  start(args: string[], options?: Options): Running
}

export interface Options {
  env?: Record<string, string>
  /** All of its standard input. @default none */
  input?: string
  /** Below the project's folder. */
  cwd?: string
}

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

export interface Running {
  child: ChildProcess
  /** Resolves when its standard output matches; rejects when it ends first. */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  ended: Promise<Outcome>
}

/** @param usual what every process of the project gets in its environment */
export async function makeProject(
  usual: Record<string, string | undefined>,
  files: Record<string, string> = usualFiles,
): Promise<Project> {
  const folder = await mkdtemp('/tmp/seedbed-project-')
  await chmod(folder, 0o755)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  // As npm installs them, where the suite has asked for that.
  const modules = process.env.SEEDBED_TEST_MODULES ?? here('../../../../node_modules')
  await symlink(modules, join(folder, 'node_modules'))

  const start: Project['start'] = (args, { env = {}, input, cwd = '.' } = {}) => {
    const { PATH, HOME, SEEDBED_HOME } = process.env
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: join(folder, cwd),
      env: { PATH, HOME, SEEDBED_HOME, NO_COLOR: '1', ...usual, ...env },
    })
    return watch(child, input)
  }
  return {
    folder,
    start,
    seedbed(args, options) {
      return start(args, { input: '', ...options }).ended
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

export const withFiles = (files: Record<string, string>) => ({ ...usualFiles, ...files })

/** @param input all of its standard input; without it, that stays open */
export function watch(child: ChildProcess, input?: string): Running {
  const text = { stdout: '', stderr: '' }
  const waiting = new Set<() => void>()
  const lookAll = () => {
    for (const look of waiting) look()
  }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', chunk => {
      text[name] += chunk
      lookAll()
    })
  }
  // One that ends without reading it.
  child.stdin!.on('error', () => {})
  if (input !== undefined) child.stdin!.end(input)
  let isEnded = false
  const ended = once(child, 'close').then(([code]) => {
    isEnded = true
    lookAll()
    return { code: code as number | null, ...text }
  })
  return {
    child,
    ended,
    printed: pattern =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(text.stdout)
          if (!match && !isEnded) return
          waiting.delete(look)
          if (match) resolve(match)
          else reject(new Error(`it ended before it printed ${pattern}:\n${text.stdout}${text.stderr}`))
        }
        waiting.add(look)
        look()
      }),
  }
}
