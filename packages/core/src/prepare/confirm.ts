import { placeOf, requireConsent, SeedbedError, type AskedHere, type ResolvedEnvironment } from '@seedbed/environments'
import type { Contents } from '@seedbed/environments/guard'
import { resetErrors } from '../reset/errors.js'

export interface Asking {
  /** Asks somebody. Left out where nobody can be asked. */
  confirm?: (question: PrepareQuestion) => Promise<boolean>
  /** Whether the answer to a reset is yes. It does not answer for production. */
  yes?: boolean
}

/** What somebody is asked before anything is done. */
export interface PrepareQuestion {
  /** Production is to be migrated, or an environment that keeps its data is to be emptied. */
  about: 'production' | 'reset'
  environment: ResolvedEnvironment<string>
  /** Of a reset: what is in each database that is there. Size and age are for people to recognise it by; nothing is decided by them. */
  contents: { place: string; contents: Contents }[]
}

/**
 * Makes sure that somebody wants it.
 *
 * @returns whether the databases are to be emptied first
 * @throws SeedbedError PRODUCTION_WITHOUT_CONSENT, RESET_UNCONFIRMED
 */
export async function askFor(
  environment: ResolvedEnvironment<string>,
  asked: AskedHere<string>,
  { confirm, yes = false, fresh = false, all = false }: Asking & { fresh?: boolean; all?: boolean },
): Promise<boolean> {
  const { name, tier } = environment
  if (tier === 'production') {
    const isConfirmed = confirm !== undefined && (await confirm({ about: 'production', environment, contents: [] }))
    if (!isConfirmed) requireConsent(environment, { ...asked, terminal: confirm !== undefined })
  }
  if (!fresh) return false
  // Of all, those that are protected keep what they have. The guard refuses one that is named.
  if (environment.protected) return !all
  if (tier === 'test' || yes) return true
  if (confirm && (await confirm({ about: 'reset', environment, contents: await contentsIn(environment) }))) return true
  throw resetErrors.RESET_UNCONFIRMED({ environment: name, terminal: confirm !== undefined })
}

async function contentsIn({ name, databases }: ResolvedEnvironment<string>): Promise<PrepareQuestion['contents']> {
  const { contentsOf, openReadOnly } = await import('@seedbed/environments/guard')
  const found = await Promise.all(
    Object.values(databases).map(async address => {
      const { url } = address!
      try {
        const session = await openReadOnly(url, name, 15_000)
        try {
          return { place: placeOf(url), contents: await contentsOf(session) }
        } finally {
          await session.close()
        }
      } catch (error) {
        if (error instanceof SeedbedError && error.code === 'GUARD_DATABASE_MISSING') return undefined
        throw error
      }
    }),
  )
  return found.filter(each => each !== undefined)
}
