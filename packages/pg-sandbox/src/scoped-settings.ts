import { escapeLiteral } from './pg.js'
import type { Member } from './member.js'
import type { SharedSettings } from './settings.js'

/**
 * Clients whose settings go with the scope in which they made them, as everything else that they did. A pool's client keeps what it
 * has SET, for it will not SET it again: only a client that is the tests' own asks for this.
 */
export interface ScopedSettings {
  /** @param asked what it asked for at its start-up; our parameter is taken out */
  welcome(member: Member, asked: Map<string, string>): void
  enter(): void
  /** Puts back what they have set since this scope began; ahead of whatever they send next. */
  leave(): Promise<void> | undefined
}

/** At the start-up: `options=-c pg_sandbox.settings=scope`. */
const parameter = 'pg_sandbox.settings'

export function scopedSettings(shared: SharedSettings): ScopedSettings {
  const scoped = new Set<Member>()
  /** Of each scope, the settings with which clients entered it. */
  const before: Map<Member, ReadonlyMap<string, string>>[] = []

  function putBack(member: Member, then: ReadonlyMap<string, string>): Promise<unknown> | undefined {
    if (!isSame(member.settings, then)) {
      member.settings.clear()
      for (const [name, value] of then) member.settings.set(name, value)
      shared.forget()
    }
    const { direct } = member
    if (!direct?.hasSet() || !direct.atRest()) return undefined
    const again = [...then].map(
      ([name, value]) => `select pg_catalog.set_config(${escapeLiteral(name)}, ${escapeLiteral(value)}, false)`,
    )
    // RESET ALL leaves roles as they are (manual, DISCARD).
    return direct.run(['set session authorization default', 'reset all', ...again].join('; '))
  }

  return {
    welcome(member, asked) {
      if (asked.get(parameter) === 'scope') scoped.add(member)
      asked.delete(parameter)
    },
    enter() {
      before.push(new Map([...scoped].map(member => [member, new Map(member.settings)])))
    },
    leave() {
      const then = before.pop()
      const waits: Promise<unknown>[] = []
      for (const member of scoped) {
        const wait = member.gone ? undefined : putBack(member, then?.get(member) ?? member.initial)
        if (member.gone) scoped.delete(member)
        if (wait) waits.push(wait)
      }
      return waits.length > 0 ? Promise.all(waits).then(() => {}) : undefined
    },
  }
}

function isSame(some: ReadonlyMap<string, string>, others: ReadonlyMap<string, string>): boolean {
  if (some.size !== others.size) return false
  for (const [name, value] of some) if (others.get(name) !== value) return false
  return true
}
