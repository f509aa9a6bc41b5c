import { errors } from './errors.js'
import type { SequenceState } from './sequences.js'
import type { Session } from './session.js'
import type { BuildWait } from './ensure.js'
import type { HeldClone } from './release.js'

/** Asked before a database is created or dropped; throwing refuses, and is what `ensure` and `clone` throw then. */
export type Authorize = (operation: 'create' | 'drop', database: string) => void | Promise<void>

/** How CREATE DATABASE copies, https://www.postgresql.org/docs/current/sql-createdatabase.html, STRATEGY. */
export type CopyStrategy = 'file_copy' | 'wal_log'

/** What the parts of one `openTemplates` share. */
export interface Context {
  url: string
  registry: string
  role: string
  owner: string
  copy: CopyStrategy
  authorize: Authorize
  onWait: ((wait: BuildWait) => void) | undefined
  /** The session that holds the leases. It fails with LEASE_LOST or CLOSED when there is none any more. */
  lease: Session
  /** @throws TemplateError LEASE_LOST, CLOSED */
  assertLeased(): void
  /** Short work on sessions of the registry, or of another database: up to eight at once in all. */
  work: <Result>(job: (session: Session) => Promise<Result>, database?: string) => Promise<Result>
  /** A session of the registry for work that may take long: building, and waiting for a build. */
  openWork(): Promise<Session>
  /** Templates that `lease` holds, by the name of the database. */
  templates: Map<string, LeasedTemplate>
  /** Clones that have been handed out and not been released. */
  clones: Set<HeldClone>
}

export interface LeasedTemplate {
  id: number
  oid: number
  database: string
  key: string
  owner: string
  sequences: SequenceState[]
}

/** @throws TemplateError TEMPLATE_NOT_LEASED */
export function leasedTemplate(context: Context, { database }: { database: string }): LeasedTemplate {
  const template = context.templates.get(database)
  if (!template) throw errors.TEMPLATE_NOT_LEASED({ database })
  return template
}
