import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { basename, dirname, resolve } from 'node:path'
import type { EnvironmentsConfig, Tier, Variables } from '../config.js'
import { placeOf } from '../resolve/database-url.js'
import type { ResolvedEnvironment } from '../resolve/resolve-environment.js'
import { readBranch } from '../variables/git-branch.js'
import { auditErrors } from './errors.js'
import { readCommit } from './git-commit.js'
import { secretsOf, withoutSecrets } from './secrets.js'

/**
 * - chosen: an environment was selected
 * - allowed: the guard has let it through; written before it is done
 * - refused: nothing was done
 * - done: it is over, with the number of rows
 */
export type Decision = 'chosen' | 'allowed' | 'refused' | 'done'

/** What happened, as far as the one who records it has to say. */
export interface AuditEvent {
  environment: string
  tier: Tier
  /** The base name: `main`. */
  database: string
  /** `db.example.com:5432/shop`. */
  place?: string | undefined
  server?: { systemIdentifier: string; databaseOid: number } | undefined
  /** `reset`, `migrate`, `select`, … */
  operation: string
  decision: Decision
  reason: string
  rows?: number | undefined
}

/** One line of the log. */
export interface AuditEntry extends AuditEvent {
  /** ISO 8601, in UTC. */
  time: string
  /** The name of the system's user. */
  who: string
  pid: number
  host: string
  folder: string
  branch?: string
  commit?: string
  command: string
}

export interface AuditOptions {
  config: Pick<EnvironmentsConfig<string>, 'audit'>
  /** The project's folder, in which `.seedbed/audit.jsonl` is. */
  folder: string
  /** What must not be printed is looked for in them. */
  variables: Variables
  envFile?: Variables | undefined
  /** What was called. @default the process's command line */
  command?: string | undefined
}

export interface Audit {
  file: string
  /** @throws SeedbedError AUDIT_UNWRITABLE, before anything destructive is done */
  assertWritable(): void
  /**
   * Adds a line. No password gets into it, wherever it stood.
   *
   * @throws SeedbedError AUDIT_UNWRITABLE if the line is not whole in the log
   */
  record(event: AuditEvent): void
  /** The same, but a line that the log does not take goes to standard error. */
  tell(event: AuditEvent): void
  /** One line for each database of an environment that was chosen, once a process. */
  selection(environment: ResolvedEnvironment<string>): void
}

/**
 * The log of what was chosen, allowed, refused and done: JSON lines in `.seedbed/audit.jsonl` of the project, or where
 * `audit.file` says. Many processes may write at once. Nothing is written until the first line.
 *
 * @example
 * const audit = openAudit({ config, folder: process.cwd(), variables: process.env })
 * audit.selection(resolveEnvironment({ config, variables: process.env }))
 */
export function openAudit({ config, folder, variables, envFile = {}, command }: AuditOptions): Audit {
  const file = auditFile(folder, config)
  const secrets = secretsOf(variables, envFile)
  const called =
    command ?? [...process.argv.slice(1, 2).map(path => basename(path)), ...process.argv.slice(2)].join(' ')
  const lineOf = (event: AuditEvent) => {
    // A password that is also a public name hides nothing, and would take the name out of the log.
    const hidden = secrets.filter(secret => ![event.environment, event.tier, event.database].includes(secret))
    const clean = (text: string) => withoutSecrets(text, hidden)
    const branch = readBranch(folder, variables)
    const commit = readCommit(folder)
    const { environment, tier, database, place, server, operation, decision, reason, rows } = event
    const entry: AuditEntry = {
      time: new Date().toISOString(),
      who: clean(userName()),
      pid: process.pid,
      host: clean(hostname()),
      folder: clean(resolve(folder)),
      ...(branch !== undefined && { branch: clean(branch) }),
      ...(commit !== undefined && { commit }),
      command: clean(called),
      ...{ environment, tier, database, place, server, operation, decision },
      reason: clean(reason),
      rows,
    }
    return `${JSON.stringify(entry)}\n`
  }
  const record: Audit['record'] = event => append(file, lineOf(event))
  const tell: Audit['tell'] = event => {
    try {
      record(event)
    } catch {
      process.stderr.write(lineOf(event))
    }
  }
  return {
    file,
    assertWritable: () => append(file, ''),
    record,
    tell,
    selection({ name, tier, databases, reason }) {
      for (const [database, address] of Object.entries(databases)) {
        if (!address) continue
        const place = placeOf(address.url)
        const key = [file, name, place, reason].join('\n')
        if (selections.has(key)) continue
        selections.add(key)
        tell({ environment: name, tier, database, place, operation: 'select', decision: 'chosen', reason })
      }
    },
  }
}

/** Where the log of a project is. */
export function auditFile(folder: string, { audit }: AuditOptions['config']): string {
  return resolve(folder, audit?.file ?? '.seedbed/audit.jsonl')
}

// Once a process, also where a runner loads this module anew for each test file.
const key = Symbol.for('seedbed.selections')
const selections: Set<string> = ((globalThis as { [key]?: Set<string> })[key] ??= new Set())

/** One write to a file that is open for appending: the system puts it behind what others have written, in one piece. */
function append(file: string, line: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true })
    const descriptor = openSync(file, 'a+')
    try {
      const whole = endsInMidLine(descriptor) && line !== '' ? `\n${line}` : line
      if (writeSync(descriptor, whole) < Buffer.byteLength(whole)) throw new Error('the line was cut: no space left')
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    throw auditErrors.AUDIT_UNWRITABLE({ file, reason: (cause as Error).message }, { cause })
  }
}

/** A full disk cuts a line; the next one shall not be lost with it. */
function endsInMidLine(descriptor: number): boolean {
  const { size } = fstatSync(descriptor)
  if (size === 0) return false
  const last = Buffer.alloc(1)
  readSync(descriptor, last, 0, 1, size - 1)
  return last.toString() !== '\n'
}

/** Why something was refused, for a line of the log. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as Error & { code?: string }
  return `${code === undefined ? '' : `${code}: `}${message.split('\n', 1)[0]}`
}

/** The system's user, for people. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}` // a container's user that has no name
  }
}
