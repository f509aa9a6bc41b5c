import { auditFile, auditLines, type AuditLine, type AuditQuery } from '@seedbed/environments'
import { askedIn, type InProject } from './asked-in.js'

/** What is asked of a project's log; all of it has to fit. */
export interface AuditLogOptions extends InProject, Omit<AuditQuery, 'file'> {
  /** Waits for more lines, until it is aborted. */
  follow?: AbortSignal | undefined
}

/**
 * The lines of a project's audit log, oldest first: what was chosen, allowed, refused and done. A log that does not exist has
 * none. A line that is not whole, as a full disk leaves it, comes as `{ number, broken: true }`.
 *
 * @throws SeedbedError what reading a config throws: CONFIG_CANNOT_LOAD, …
 * @example
 * for await (const line of auditLog({ folder: process.cwd(), decision: 'refused' })) {
 *   if ('entry' in line) console.log(line.entry.time, line.entry.reason)
 * }
 */
export async function* auditLog({ folder, ...query }: AuditLogOptions): AsyncGenerator<AuditLine, void> {
  const project = await askedIn({ folder })
  yield* auditLines({ ...query, file: auditFile(project.folder, project.config) })
}
