import type { AuditEntry, Decision } from './audit.js'

export interface AuditQuery {
  file: string
  environment?: string | undefined
  operation?: string | undefined
  decision?: Decision | undefined
  /** Lines of that moment and later. */
  since?: Date | undefined
}

/** A line of the log: as it stands there, and what it says, or that it is not whole. */
export type AuditLine = { number: number; text: string } & ({ entry: AuditEntry } | { broken: true })

/**
 * The lines of an audit log, oldest first, that fit all that is asked. A log that does not exist has none.
 *
 * @returns `broken`: the numbers, from 1, of lines that are not whole, as a full disk leaves them
 * @example const { entries } = await readAudit({ file: '.seedbed/audit.jsonl', decision: 'refused' })
 */
export async function readAudit(query: AuditQuery): Promise<{ entries: AuditEntry[]; broken: number[] }> {
  const entries: AuditEntry[] = []
  const broken: number[] = []
  for await (const line of auditLines(query)) {
    if ('entry' in line) entries.push(line.entry)
    else broken.push(line.number)
  }
  return { entries, broken }
}

/**
 * The same line by line, and the broken ones among them, whatever is asked. With `follow` it waits for more, and for the log
 * itself where there is none yet, until the signal says that it is enough.
 *
 * @example for await (const line of auditLines({ file, follow: signal })) if ('entry' in line) show(line.entry)
 */
export async function* auditLines(
  query: AuditQuery & { follow?: AbortSignal | undefined },
): AsyncGenerator<AuditLine, void> {
  // Loaded here: most who load this package read no log.
  const { linesOf } = await import('./lines.js')
  let number = 0
  for await (const text of linesOf(query.file, query.follow)) {
    number++
    if (text.trim() === '') continue // stands behind a line that was cut, or only seemed to be while it was written
    const entry = entryOf(text)
    if (!entry) yield { number, text, broken: true }
    else if (fits(entry, query)) yield { number, text, entry }
  }
}

function fits(entry: AuditEntry, { environment, operation, decision, since }: AuditQuery): boolean {
  return (
    (environment === undefined || entry.environment === environment) &&
    (operation === undefined || entry.operation === operation) &&
    (decision === undefined || entry.decision === decision) &&
    (since === undefined || new Date(entry.time) >= since)
  )
}

function entryOf(line: string): AuditEntry | undefined {
  try {
    const entry = JSON.parse(line) as AuditEntry | null
    return typeof entry?.time === 'string' && typeof entry.decision === 'string' ? entry : undefined
  } catch {
    return undefined
  }
}
