import { auditLog, listEnvironments, type EnvironmentView } from '@seedbed/core'
import { badge, tierBadge, type AuditEntry, type AuditQuery } from '@seedbed/environments'
import { colour, endWithReader, plain, print, say } from './print.js'

interface Asked extends Omit<AuditQuery, 'file'> {
  follow?: boolean
  json?: boolean
}

/** Prints the lines of the audit log that fit; with `follow` it goes on until Ctrl-C. Lines that are not whole are counted. */
export async function auditCommand(folder: string, { follow, json, ...query }: Asked): Promise<void> {
  endWithReader()
  const enough = new AbortController()
  const end = () => enough.abort()
  if (follow) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  const badges = new Map((await listEnvironments({ folder })).map(({ name, badge }) => [name, badge]))
  let broken = 0
  for await (const line of auditLog({ folder, ...query, follow: follow ? enough.signal : undefined })) {
    if ('broken' in line) broken++
    else print(json ? line.text : lineOf(line.entry, badges.get(line.entry.environment)))
  }
  if (broken > 0) say(`${broken} ${broken === 1 ? 'line is' : 'lines are'} not whole, and not shown`)
}

type Badge = EnvironmentView['badge']

const colours = { chosen: 'dim', allowed: 'yellow', refused: 'red', done: 'green' } as const

/** @param configured the environment's badge, if the config still has it */
function lineOf(entry: AuditEntry, configured: Badge | undefined): string {
  const { time, environment, tier, database, place, operation, decision, reason, ...by } = entry
  const shown = badge({ badge: configured ?? tierBadge(tier) })
  const isKnown = Object.hasOwn(colours, decision)
  const decided = isKnown ? colour(colours[decision], decision, process.stdout) : plain(decision)
  const what = [operation, environment, database, place].filter(text => text !== undefined).join(' ')
  const rows = by.rows === undefined ? '' : ` · ${by.rows} ${by.rows === 1 ? 'row' : 'rows'}`
  const who = colour('dim', plain(`${by.who}@${by.host}: ${by.command}`), process.stdout)
  return `${plain(time)} ${shown} ${decided} ${plain(`${what} (${reason})${rows}`)} · ${who}`
}
