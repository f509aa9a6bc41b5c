import type { AuditEntry, Decision } from './audit.js'

export interface AuditQuery {
  file: string
  environment?: string | undefined
  operation?: string | undefined
  decision?: Decision | undefined
  /** Lines of that moment and later. */
  since?: Date | undefined
}

/**
 * The lines of an audit log, oldest first, that fit all that is asked. A log that does not exist has none.
 *
 * @returns `broken`: the numbers, from 1, of lines that are not whole, as a full disk leaves them
 * @example const { entries } = await readAudit({ file: '.seedbed/audit.jsonl', decision: 'refused' })
 */
export async function readAudit(query: AuditQuery): Promise<{ entries: AuditEntry[]; broken: number[] }> {
  const entries: AuditEntry[] = []
  const broken: number[] = []
  // Loaded here: most who load this package read no log.
  const { open } = await import('node:fs/promises')
  const file = await open(query.file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!file) return { entries, broken }
  let number = 0
  for await (const line of file.readLines()) {
    number++
    if (line === '') continue // stands behind a line that was cut, or only seemed to be while it was written
    const entry = entryOf(line)
    if (!entry) broken.push(number)
    else if (fits(entry, query)) entries.push(entry)
  }
  return { entries, broken }
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
