import { DatabaseError } from './pg.js'
import { moment, now } from './clock.js'
import { SandboxError } from './errors.js'
import type { ServerSession } from './server-session.js'

/** A server that restarts is away for a moment. */
const patience = 5_000

/**
 * Opens sessions in place of those that are lost. A server that is away is waited for, but not with each statement of all the
 * tests that follow: once it has been away for too long, it is only tried.
 */
export function reconnecting(): (open: () => Promise<ServerSession>) => Promise<ServerSession> {
  let awaySince: number | undefined
  return async open => {
    for (;;) {
      try {
        const session = await open()
        awaySince = undefined
        return session
      } catch (error) {
        awaySince ??= now()
        if (!isAway(error as Error) || now() - awaySince > patience) throw error
      }
      await moment(50)
    }
  }
}

/** Nobody listens, it hangs up, or it says that it is starting or ending; any other word of the server's is its last. */
function isAway(error: Error): boolean {
  if (!(error instanceof SandboxError) || error.code !== 'CONNECTION_FAILED') return false
  const { cause } = error
  return !(cause instanceof DatabaseError) || cause.code?.startsWith('57P') === true
}
