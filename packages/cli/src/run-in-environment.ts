import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  applicationErrors,
  applyVariables,
  badge,
  connectionVariables,
  consentVariable,
  openAudit,
  printableUrl,
  refusalsOf,
  requireConsent,
  type AskedHere,
  type ConsentFile,
  type ResolvedEnvironment,
} from '@seedbed/environments'
import { askConsent } from './ask.js'
import { say } from './print.js'
import { runChild } from './run-child.js'

/**
 * Runs a command on the database of an environment: it gets DATABASE_URL, PG* and ENVIRONMENT, and variables that lead to a
 * protected environment other than this one refuse. Production asks for a typed "yes", and only this command has the consent.
 *
 * @param environment as resolved: not a test run's, which has a sandbox
 * @returns the command's exit code; 1 if nobody has consented, 130 after Ctrl-C
 */
export async function runInEnvironment(
  command: readonly [string, ...string[]],
  environment: ResolvedEnvironment<string>,
  asked: AskedHere<string>,
): Promise<number> {
  const { name, tier, databases, reason } = environment
  const audit = openAudit(asked)
  const [database, address] = Object.entries(databases)[0]!
  if (!address) throw applicationErrors.DATABASE_NOT_HERE({ environment: name, database, known: [] })
  const line = `${badge(environment, process.stderr)} ${name}: ${printableUrl(address.url)} (${reason})`
  for (const note of environment.notes) say(note)
  const event = { environment: name, tier, database, operation: 'run', reason }
  if (tier === 'production' && process.stdin.isTTY) {
    const answer = await askConsent(`${line}\nThis is production, and the command may do to it whatever it likes.`)
    if (answer !== 'yes') {
      audit.tell({ ...event, decision: 'refused', reason: answer === 'no' ? 'no "yes" was typed' : 'interrupted' })
      say(`${name} was left alone`)
      return answer === 'interrupted' ? 130 : 1
    }
    event.reason = 'a "yes" was typed'
  } else {
    requireConsent(environment, { ...asked, terminal: false })
    say(line)
  }
  audit.selection(environment)
  audit.tell({ ...event, decision: 'allowed' })
  using consent = tier === 'production' ? giveConsent(name) : undefined
  setVariables(environment, address.url, asked)
  if (consent) process.env[consentVariable] = consent.file
  return await runChild(command)
}

function setVariables({ name }: ResolvedEnvironment<string>, url: string, asked: AskedHere<string>): void {
  const refusals = refusalsOf(asked, name)()
  const refusing = Object.fromEntries(refusals.map(({ variable, value }) => [variable, value]))
  applyVariables({ ...refusing, ...connectionVariables(url), ENVIRONMENT: name })
}

/** A file in a folder of its own, which is there while the command runs: an exported variable alone consents to nothing. */
function giveConsent(environment: string): Disposable & { file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'seedbed-consent-'))
  const file = join(folder, 'consent.json')
  const said: ConsentFile = { environment, pid: process.pid }
  writeFileSync(file, JSON.stringify(said), { mode: 0o600 })
  return { file, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}
