import { connectionsNeeded } from './connections.js'
import { serverErrors } from './errors.js'

/** Who wants to connect, as far as an error speaks of it. */
interface Asking {
  /** Without a password. */
  url: string
  role: string
  /** How many the run has. */
  workers: number
}

/** PgBouncer's words for its own limits, and the server's, whose code it does not hand on. */
const fullPooler =
  /max_client_conn|query_wait_timeout|Query read timeout|too many (connections|clients)|connection slots are reserved/

/** What an error means if the server, or PgBouncer before it, had no connection left; undefined for any other. */
export function explainNoConnection(error: unknown, asking: Asking): Error | undefined {
  const found = withCauses(error).find(({ code, message }) => code === '53300' || fullPooler.test(message))
  return found && serverErrors.SERVER_NO_CONNECTION({ ...asking, problem: found.message }, { cause: found })
}

/**
 * Refuses a run that can never have enough, whoever else is there.
 *
 * @param limits of the role, and what `max_connections` leaves to it; null where there is none
 * @throws SERVER_NO_CONNECTION
 */
export function refuseFewConnections(
  { ofRole, ofServer }: { ofRole: number | null; ofServer: number },
  asking: Asking,
): void {
  const needed = connectionsNeeded(asking.workers)
  const refuse = (problem: string) => serverErrors.SERVER_NO_CONNECTION({ ...asking, problem })
  if (ofRole !== null && ofRole < needed) throw refuse(`the role ${asking.role} may have ${ofRole} (CONNECTION LIMIT)`)
  if (ofServer < needed) throw refuse(`its max_connections leaves ${ofServer} to the role ${asking.role}`)
}

function withCauses(error: unknown): (Error & { code?: string })[] {
  return error instanceof Error ? [error, ...withCauses(error.cause)] : []
}
