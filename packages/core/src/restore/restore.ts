import type { Client } from 'pg'
import { loadPg } from '../server/load-pg.js'

/** A session that a test has left open in the middle of something; it is ended. */
export interface EndedSession {
  pid: number
  user: string
  application: string
  /** What it was in the middle of. */
  in: 'transaction' | 'statement' | 'advisory lock' | 'prepared transaction'
}

export interface PutBack {
  /** Tables and materialized views whose rows were put back, as `schema.name`. None if nothing was written. */
  tables: string[]
  sequences: string[]
  /** How many large objects of the test were removed. */
  largeObjects: number
  /** Why the database cannot be put back and is to be cloned afresh, for people; empty if it is as its template. */
  afresh: string[]
  ended: EndedSession[]
}

/** A database in which code really commits, and which is put back to its template's rows. */
export interface Restore {
  /**
   * Puts back what was written since the last time. Sessions that are in the middle of a transaction or statement, or hold
   * an advisory lock, are ended first. What is idle stays, so that pools go on.
   */
  putBack(): Promise<PutBack>
  /**
   * What was written since the last time belongs to what `putBack` goes back to, until the matching `release`. Holds nest. Sessions
   * are ended as by `putBack`. It costs what was written.
   */
  hold(): Promise<Held>
  /**
   * Ends the newest hold: what is there goes back to how it was before it.
   *
   * @throws Error if there is no hold
   */
  release(): Promise<PutBack>
  close(): Promise<void>
}

export interface Held {
  /** Why it cannot be put back to, so that the database is to be cloned afresh and what was written done again; empty if it is held. */
  afresh: string[]
  ended: EndedSession[]
}

/**
 * Opens a clone of a template that `prepareRestore` has prepared. Nobody may have written in it since it was cloned.
 *
 * @param url of the clone, for the role that has prepared the template
 * @param locksGivenBack whoever lets the application in has given back all session locks that its statements name. Then the
 * server's locks, which cost more than all the rest of a look, are looked at only where the database itself names some.
 * @example
 * const restore = await openRestore({ url })
 * // … a test commits
 * const { tables, afresh } = await restore.putBack() // { tables: ['public.note'], afresh: [], … }
 */
export async function openRestore({
  url,
  locksGivenBack = false,
}: {
  url: string
  locksGivenBack?: boolean
}): Promise<Restore> {
  const { Client } = loadPg()
  const client = new Client({ connectionString: url, application_name: 'seedbed restore' })
  // A session that is lost fails the next query, which is told.
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query<{ facts: Facts; namesLocks: boolean | null }>(
    'select seedbed_restore.open() as facts, (select w.names_locks from seedbed_restore.witness w) as "namesLocks"',
  )
  let { facts } = rows[0]!
  // After a crash there is no witness.
  const locks = !locksGivenBack || rows[0]!.namesLocks !== false
  /** Every transaction before it has ended, and what it did here was looked at. */
  let seen = '0'
  /** For each hold, whether there was something to hold. */
  const holds: boolean[] = []

  /** Calls a function that begins with a look, again if a prepared transaction was in the way. */
  async function look(name: keyof typeof functions, depth: number | null): Promise<Found> {
    const call = async () => {
      const { rows } = await client.query<{ found: Found }>({
        name,
        text: functions[name],
        values: [seen, facts, depth, locks],
      })
      return rows[0]!.found
    }
    try {
      let found = await call()
      const { ended } = found
      for (const { gid, user } of found.prepared) {
        await client.query(`rollback prepared ${client.escapeLiteral(gid)}`)
        ended.push({ pid: 0, user, application: gid, in: 'prepared transaction' })
      }
      if (found.prepared.length > 0) found = { ...(await call()), ended }
      if (found.afresh.length === 0) {
        seen = nextSeen(found)
        facts = found.facts ?? facts
      }
      return found
    } catch (error) {
      return { ...nothing, afresh: [`it could not be put back: ${(error as Error).message}`] }
    }
  }

  /** @param depth of the hold that is released first */
  async function putBack(depth: number | null): Promise<PutBack> {
    const { tables, sequences, largeObjects, afresh, ended } = await look('seedbed put back', depth)
    return { tables, sequences, largeObjects, afresh, ended }
  }

  return {
    putBack: () => putBack(null),
    async hold() {
      const { afresh, ended, own } = await look('seedbed hold', holds.length + 1)
      if (afresh.length === 0) holds.push(own !== null)
      return { afresh, ended }
    },
    async release() {
      const depth = holds.length
      const isHeld = holds.pop()
      if (isHeld === undefined) throw new Error('There is no hold to release.')
      return putBack(isHeld ? depth : null)
    },
    close: () => client.end(),
  }
}

/** The session keeps their plans. */
const functions = {
  'seedbed put back': 'select seedbed_restore.put_back($1, $2, $3, $4) as found',
  'seedbed hold': 'select seedbed_restore.hold($1, $2, $3, $4) as found',
}

/** What else a database consists of, by a name for people. */
type Facts = Record<string, string | null>

/** What `put_back` and `hold` answer with; see look-sql.ts. */
interface Found extends PutBack {
  prepared: { gid: string; user: string }[]
  /** Every transaction before it had ended when it looked. */
  oldest: string
  /** Its own, if it wrote anything. */
  own: string | null
  facts: Facts | null
}

const nothing: Omit<Found, 'afresh'> = {
  tables: [],
  sequences: [],
  largeObjects: 0,
  ended: [],
  prepared: [],
  oldest: '0',
  own: null,
  facts: null,
}

/** Its own transaction is none of the tests', if no other has come in between. */
function nextSeen({ oldest, own }: Found): string {
  return own === oldest ? String(BigInt(own) + 1n) : oldest
}

/** The slice of a client that is used. */
export type Session = Pick<Client, 'query'>
