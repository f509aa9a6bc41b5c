import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { onTestFinished, vi } from 'vitest'
import type { SeedbedConfig } from '../../src/config/config.js'
import { checks } from '../../src/doctor/checks.js'
import { doctor, findingsOf, type Diagnosis, type DoctorOptions } from '../../src/doctor/doctor.js'
import type { Finding } from '../../src/doctor/finding.js'
import { shareAmongChecks } from '../../src/doctor/shared.js'

/** A folder with a config, and a home of its own for servers. */
export function makeProject(config: SeedbedConfig, files: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'seedbed-doctor-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  // Where root runs this, another user runs the server.
  chmodSync(folder, 0o755)
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const all = { 'package.json': '{ "name": "shop" }', 'migrations/1.sql': 'create table a ()', ...files }
  for (const [name, text] of Object.entries({ 'seedbed.config.json': JSON.stringify(config), ...all }))
    write(name, text)
  const home = join(folder, 'home')
  mkdirSync(home)
  return {
    folder,
    home,
    write,
    git: (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }),
    /** As outside of a test runner, unless the variables say otherwise. */
    async diagnose(variables: Record<string, string> = {}, options: Diagnosing = {}) {
      for (const name of ['VITEST', 'ENVIRONMENT', 'DATABASE_URL', 'TEST_DATABASE_URL']) vi.stubEnv(name, undefined)
      for (const [name, value] of Object.entries({ SEEDBED_HOME: home, ...variables })) vi.stubEnv(name, value)
      try {
        return read(
          await (options.only === undefined ? doctor({ folder, ...options }) : oneCheck(options.only, folder, options)),
        )
      } finally {
        vi.unstubAllEnvs()
      }
    },
  }
}

interface Diagnosing extends Partial<DoctorOptions> {
  /** The name of a check: the others are left out, and their time with them. */
  only?: string
}

async function oneCheck(name: string, folder: string, { environment }: Diagnosing): Promise<Diagnosis> {
  const check = checks.find(each => each.name === name)!
  const shared = shareAmongChecks(folder, environment)
  try {
    return { checked: [name], findings: await findingsOf(check, shared) }
  } finally {
    await shared.close()
  }
}

function read(diagnosis: Diagnosis) {
  const { findings } = diagnosis
  const lines = (each: Finding) => `${each.level}: ${each.found}`
  return {
    ...diagnosis,
    /** `level: what was found`, of one check. */
    of: (check: string) => findings.filter(each => each.check === check).map(lines),
    /** Everything of that level. */
    at: (level: Finding['level']) => findings.filter(each => each.level === level),
    text: JSON.stringify(diagnosis),
  }
}

/** Statements on a session of their own; the rows of the last one. */
export async function runOn<Row>(url: string, ...statements: string[]): Promise<Row[]> {
  const client = new Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    let rows: unknown[] = []
    for (const statement of statements) ({ rows } = await client.query<object>(statement))
    return rows as Row[]
  } finally {
    await client.end()
  }
}
