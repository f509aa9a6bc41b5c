import { escapeIdentifier, escapeLiteral } from './pg.js'
import type { Member } from './member.js'
import { message } from './messages.js'
import type { ServerSession } from './server-session.js'

/**
 * Session settings belong to the client that made them, and there is one session: at the begin of a client's unit it is
 * given that client's settings, if it may have others.
 */
export interface SharedSettings {
  /** SQL that gives the session this client's settings; empty where it has them. */
  switchTo(member: Member): readonly string[]
  /** After a rollback, nobody knows what the session has. */
  forget(): void
  /** Reads what a client may have changed. */
  capture(member: Member): Promise<void>
  /** Values as they are now, for parameters that are about to be set until the end of a transaction. */
  read(names: string[]): Promise<Map<string, string | null>>
}

/** Made once: most clients set nothing. */
const nothing: readonly string[] = []

export function sharedSettings(run: ServerSession['run']): SharedSettings {
  /** Whose settings the session has. */
  let current: Member | undefined
  /** Every parameter that any client has set. */
  const known = new Set<string>()

  async function read(names: string[]): Promise<Map<string, string | null>> {
    if (names.length === 0) return new Map()
    const values = names.map(name => `current_setting(${escapeLiteral(name)}, true)`)
    const [rows] = await run(`select ${values.join(', ')}`)
    return new Map(names.map((name, index) => [name, rows?.[0]?.[index] ?? null]))
  }

  return {
    switchTo(member) {
      const before = current
      current = member
      if (before === member) return nothing
      for (const name of member.settings.keys()) known.add(name)
      if (known.size === 0) return nothing
      const others = before ? [...before.settings.keys()] : [...known]
      return [
        ...others.filter(name => !member.settings.has(name)).map(name => `RESET ${identifier(name)}`),
        ...[...member.settings].map(
          ([name, value]) => `SELECT pg_catalog.set_config(${escapeLiteral(name)}, ${escapeLiteral(value)}, false)`,
        ),
      ]
    },
    forget() {
      current = undefined
    },
    async capture(member) {
      const names = [...member.touched]
      member.touched.clear()
      for (const [name, value] of await read(names)) {
        // A name that the server does not know: setting it has failed.
        if (value === null) {
          member.settings.delete(name)
          continue
        }
        known.add(name)
        member.settings.set(name, value)
      }
    },
    read,
  }
}

/**
 * Tells a client which of its parameters have changed, as a server does in front of each ReadyForQuery. Outside of a
 * transaction the session may have another client's settings, or none; what this one has set is known.
 */
export function reportParameters(member: Member, session: ServerSession): void {
  const own = !member.started
  for (const [name, base] of session.parameters) {
    const value = own ? (member.settings.get(name.toLowerCase()) ?? base) : (session.current.get(name) ?? base)
    if (member.reported.get(name) === value) continue
    member.reported.set(name, value)
    member.send(message('S', name, value))
  }
}

/** `app.user` is two names. */
function identifier(name: string): string {
  return name.split('.').map(escapeIdentifier).join('.')
}
