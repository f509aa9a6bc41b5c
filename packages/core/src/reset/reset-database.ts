import type { GuardedSession } from '@seedbed/environments/guard'
import { listed } from '../errors/listed.js'
import { chosenTarget } from '../environment/chosen-target.js'
import type { InEnvironment } from '../environment/in-environment.js'
import { askFor, type Asking } from '../prepare/confirm.js'
import { openSources } from '../prepare/open-sources.js'
import type { PrepareSources } from '../prepare/prepare-database.js'
import type { ConflictRule } from './conflicts.js'
import { resetErrors } from './errors.js'
import type { PutBack } from './put-back.js'

export interface ResetOptions extends InEnvironment, Asking {
  /** Only these tables: `users`, `public.users`. @default all */
  tables?: readonly string[]
  /** Not these. */
  except?: readonly string[]
  /** Only those of this schema. */
  schema?: string | undefined
  /** Where a row that stays and a row of the seeds have the same key or unique value. @default 'keep' */
  conflicts?: ConflictRule
  /** Whether user triggers and rules act on what is deleted and inserted. @default false */
  triggers?: boolean
  /** Say what would go and what would stay, and change nothing. @default false */
  dryRun?: boolean
}

export interface Reset extends PutBack {
  environment: string
  /** The base name. */
  database: string
  dryRun: boolean
}

/**
 * Brings an environment's database back to its seeds: every row goes but those that are preserved, with all that they refer to, and the
 * rows of the migrations and the seeds come back, with their sequences. It is one transaction. User triggers do not fire; no more rights
 * are needed than those of the tables' owner.
 *
 * The rows come from the template that tests start from, on the tests' server. Protected environments are refused by the guard.
 *
 * @throws SeedbedError GUARD_PROTECTED, RESET_UNCONFIRMED, RESET_SCHEMA_DIFFERS, RESET_SCHEMA_CHANGES, RESET_NO_SUCH_TABLE,
 *   RESET_CONFLICT, RESET_BREAKS_CONSTRAINT, RESET_FAILED, and what `openGuarded` and a run's start throw
 * @example
 * const { tables, kept } = await resetDatabase({ folder: process.cwd(), environment: 'test' })
 */
export async function resetDatabase(options: ResetOptions): Promise<Reset> {
  const { dryRun = false, progress = () => {} } = options
  using project = await openSources(options)
  const target = chosenTarget(project.asked, options.begin)
  const { environment, database } = target
  if (!dryRun) await askFor(environment, project.asked, { ...options, fresh: true })
  const [{ openGuarded }, { resetRows }] = await Promise.all([
    import('@seedbed/environments/guard'),
    import('./reset-rows.js'),
  ])
  await using session = await openGuarded(target, 'reset', project.asked)
  await refuseOtherMigrations(session, project)
  const done = await resetRows(session, project.folder, progress, options)
  if (!dryRun) session.report(done.tables.reduce((rows, { before, kept }) => rows + before - kept, 0))
  return { environment: environment.name, database, dryRun, ...done }
}

async function refuseOtherMigrations(session: GuardedSession<'reset'>, { migrations }: PrepareSources): Promise<void> {
  const { pending, unknown } = await migrations.history(session)
  const differences = [
    ...(pending.length > 0 ? [`it has not had ${listed(pending)}`] : []),
    ...(unknown.length > 0 ? [`it has had ${listed(unknown)}, which the project does not have`] : []),
  ]
  if (differences.length === 0) return
  throw resetErrors.RESET_SCHEMA_DIFFERS({ environment: session.environment.name, name: session.name, differences })
}
