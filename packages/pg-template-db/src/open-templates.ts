import { cloneTemplate, type Clone } from './clone.js'
import type { Authorize, Context, CopyStrategy } from './context.js'
import { ensure, type BuildWait, type Template, type TemplateRequest } from './ensure.js'
import { errors } from './errors.js'
import { listTemplates, type TemplateInfo } from './list.js'
import { dropKept, listKept, type KeptInfo } from './keep.js'
import { openRegistry } from './registry.js'
import { release } from './release.js'
import { openSession, workSessions, type Session } from './session.js'
import { listStrays, type StraySession } from './strays.js'
import { sweep, type SweepReport } from './sweep.js'

export interface TemplateOptions {
  /** A role that may create databases (CREATEDB, no more), and any database that it can connect to. */
  url: string
  /**
   * Whether `url` leads to a pooler such as PgBouncer. It has to be in session mode: leases are session locks.
   * @default false
   */
  pooler?: boolean
  /**
   * The database that keeps account of templates and clones; made where it is missing. A registry belongs to one role.
   * @default 'pg_template_db'
   */
  registry?: string
  /**
   * The role that shall own templates and clones; the role of `url` must be a member of it.
   * @default the role of `url`
   */
  owner?: string
  /**
   * `file_copy` is quicker for large templates, but every copy forces a checkpoint of the whole server: only for a
   * server that nobody else uses, and with `fsync` off.
   * @default 'wal_log'
   */
  copy?: CopyStrategy
  /** Asked before each CREATE DATABASE and DROP DATABASE; throwing refuses. */
  authorize?: Authorize
  /** Called at once when another process builds what `ensure` is asked for, and then about every second. */
  onWait?: (wait: BuildWait) => void
}

/** A handle on a server's templates. It holds the leases of what it has handed out until it is closed. */
export interface Templates extends AsyncDisposable {
  /**
   * The template for a key. Whoever asks first builds it, and all others wait for that; if the builder fails or dies,
   * the next one builds. A template is finished or it is not used.
   *
   * @example
   * const template = await templates.ensure({ key: hash, build: ({ url }) => migrate(url) })
   * const larger = await templates.ensure({ key: `${hash} large`, from: template, build: ({ url }) => fill(url) })
   * @throws TemplateError CREATE_FAILED, BUILD_LEFT_SESSIONS, DETAILS_NOT_JSON, SEQUENCES_FORBIDDEN, LEASE_LOST; with `from`,
   *   TEMPLATE_NOT_LEASED, TEMPLATE_GONE, SETTING_REFUSED; what `build` and `authorize` throw
   */
  ensure<Details>(request: TemplateRequest<Details>): Promise<Template<Details>>
  /**
   * Databases that are as the template: those that have been released first, the rest newly made, several at once.
   *
   * @example const [clone] = await templates.clone(template)
   * @throws TemplateError TEMPLATE_NOT_LEASED, TEMPLATE_GONE, CREATE_FAILED, SETTING_REFUSED, LEASE_LOST
   */
  clone(template: Pick<Template, 'database'>, options?: { count?: number }): Promise<Clone[]>
  /** All templates of the registry, the newest first. */
  list(): Promise<TemplateInfo[]>
  /**
   * Drops templates and clones that were not used for some days (7 by default; 0 means all that nobody uses now) and
   * whatever a process left behind that died. Only what the registry proves to have been made by us is dropped.
   */
  sweep(options?: { unusedForDays?: number }): Promise<SweepReport>
  /** Clones that were kept, the newest first. */
  listKept(): Promise<KeptInfo[]>
  /**
   * Drops one that was kept, if nobody is in it.
   *
   * @throws TemplateError NOT_KEPT, DROP_REFUSED, LEASE_LOST
   */
  dropKept(database: string): Promise<void>
  /** Sessions in templates and clones that nobody leases: their process is gone, or it has left a session behind. The oldest first. */
  listStrays(): Promise<StraySession[]>
  /** Drops the clones that were not released, and gives up all leases. */
  close(): Promise<void>
}

/**
 * Opens the templates of a server. The first time, this makes the registry; from then on it costs one connection.
 *
 * @example await using templates = await openTemplates({ url: process.env.TEST_DATABASE_URL })
 * @throws TemplateError CONNECTION_FAILED, REGISTRY_NOT_OURS, REGISTRY_FORMAT, REGISTRY_FORBIDDEN, CREATE_FAILED
 */
export async function openTemplates(options: TemplateOptions): Promise<Templates> {
  const { url, registry = 'pg_template_db', copy = 'wal_log', pooler = false, authorize = () => {}, onWait } = options
  checkOptions(options, registry)
  const { session, role } = await openRegistry({ url, registry, authorize, pooler })
  let closed = false
  let closing: Promise<void> | undefined

  const assertLeased = () => {
    if (closed) throw errors.CLOSED(undefined)
    const lost = session.lost()
    if (lost) throw errors.LEASE_LOST({ registry, reason: lost.message }, { cause: lost })
  }
  const openWork = () => openSession(url, registry)
  const runWithSession = workSessions()
  const context: Context = {
    url,
    registry,
    role,
    owner: options.owner ?? role,
    copy,
    authorize,
    onWait,
    lease: leaseSession(session, assertLeased),
    assertLeased,
    openWork,
    work: (job, database = registry) => runWithSession(() => openSession(url, database), job),
    templates: new Map(),
    clones: new Set(),
  }
  const close = () =>
    (closing ??= (async () => {
      // Best effort: what is not dropped here is left without a lease, and the next sweep drops it.
      const drops = [...context.clones].map(held => release(context, held, { sessions: 0, clean: false }))
      await Promise.allSettled(drops)
      closed = true
      await session.close()
    })())
  return {
    ensure: request => ensure(context, request),
    clone: (template, { count = 1 } = {}) => cloneTemplate(context, template, count),
    list: () => listTemplates(context),
    listKept: () => listKept(context),
    dropKept: database => dropKept(context, database),
    listStrays: () => listStrays(context),
    sweep: ({ unusedForDays = 7 } = {}) => sweep(context, unusedForDays),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A session whose errors say that the leases are lost, if that is what they mean. */
function leaseSession(session: Session, assertLeased: () => void): Session {
  const guarded = async <Result>(send: () => Promise<Result>): Promise<Result> => {
    assertLeased()
    try {
      return await send()
    } catch (error) {
      assertLeased()
      throw error
    }
  }
  return {
    ...session,
    query: (text, values) => guarded(() => session.query(text, values)),
    batch: (...statements) => guarded(() => session.batch(...statements)),
  }
}

function checkOptions({ url, copy }: TemplateOptions, registry: string): void {
  if (!URL.canParse(url)) throw errors.INVALID_OPTION({ option: 'url', problem: 'it is not a URL' })
  if (copy !== undefined && copy !== 'file_copy' && copy !== 'wal_log') {
    throw errors.INVALID_OPTION({ option: 'copy', problem: `"${copy as string}" is neither file_copy nor wal_log` })
  }
  const bytes = Buffer.byteLength(registry)
  if (bytes === 0 || bytes > 63) {
    throw errors.INVALID_OPTION({
      option: 'registry',
      problem: `its name has ${bytes} bytes; PostgreSQL takes 1 to 63`,
    })
  }
}
