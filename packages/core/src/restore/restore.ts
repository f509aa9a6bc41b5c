import type { Client } from 'pg'
import { loadPg } from '../server/load-pg.js'
import { transactionNumbers, type Numbers } from './transaction-numbers.js'

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

/** What whoever lets the application in knows of it since the last look. */
export interface Told {
  /** A session may be in the middle of something, or hold a session lock that its statements have named. */
  mayBeOpen: boolean
  /** A sequence may have moved and no row was written by it: something failed or was undone, or named `nextval` or `setval`. */
  mayHaveMoved: boolean
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
 * @param told asked before each look to put back: whoever lets the application in may spare it the server's sessions and the sequences,
 * which are most of what a clean look costs. They are looked at all the same where something in the database itself does what
 * no statement shows.
 * @example
 * const restore = await openRestore({ url })
 * // … a test commits
 * const { tables, afresh } = await restore.putBack() // { tables: ['public.note'], afresh: [], … }
 */
export async function openRestore({
  url,
  told = () => ({ mayBeOpen: true, mayHaveMoved: true }),
}: {
  url: string
  told?: () => Told
}): Promise<Restore> {
  const { Client } = loadPg()
  const client = new Client({ connectionString: url, application_name: 'seedbed restore' })
  // A session that is lost fails the next query, which is told.
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query<{ facts: Facts; next: string; sessions: boolean; sequences: boolean }>(
    // After a crash there is no witness.
    `select seedbed_restore.open() as facts, pg_snapshot_xmax(pg_current_snapshot())::text as next,
      coalesce((select w.unseen_sessions from seedbed_restore.witness w), true) as sessions,
      coalesce((select w.unseen_sequences from seedbed_restore.witness w), true) as sequences`,
  )
  const unseen = rows[0]!
  let { facts } = unseen
  const numbers = transactionNumbers(unseen.next)
  /** For each hold, whether there was something to hold. */
  const holds: boolean[] = []

  async function ask(name: keyof typeof functions, values: unknown[]): Promise<Found> {
    const { rows } = await client.query<{ found: Found }>({ name, text: functions[name], values })
    return rows[0]!.found
  }

  /** Makes a call that begins with a look, again if a session or a prepared transaction was in the way. */
  async function look(call: (sessions: boolean) => Promise<Found>, sessions: boolean): Promise<Found> {
    try {
      let found = await call(sessions).catch((error: Error) => (sessions ? Promise.reject(error) : call(true)))
      const { ended } = found
      for (const { gid, user } of found.prepared) {
        await client.query(`rollback prepared ${client.escapeLiteral(gid)}`)
        ended.push({ pid: 0, user, application: gid, in: 'prepared transaction' })
      }
      if (found.prepared.length > 0) found = { ...(await call(true)), ended }
      if (found.afresh.length === 0) {
        numbers.lookedAt(found)
        facts = found.facts ?? facts
      }
      return found
    } catch (error) {
      return { ...nothing, afresh: [`it could not be put back: ${(error as Error).message}`] }
    }
  }

  /** @param depth of the hold that is released first */
  async function putBack(depth: number | null): Promise<PutBack> {
    const { mayBeOpen, mayHaveMoved } = told()
    const moved = mayHaveMoved || unseen.sequences
    const found = await look(
      sessions => ask('seedbed put back', [numbers.seen(), facts, depth, sessions, moved, ...numbers.since()]),
      mayBeOpen || unseen.sessions,
    )
    const { tables, sequences, largeObjects, afresh, ended } = found
    return { tables, sequences, largeObjects, afresh, ended }
  }

  return {
    putBack: () => putBack(null),
    async hold() {
      const found = await look(() => ask('seedbed hold', [numbers.seen(), facts, holds.length + 1]), true)
      const { afresh, ended, own } = found
      if (afresh.length === 0) {
        numbers.held(found)
        holds.push(own !== null)
      }
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
  'seedbed put back': 'select seedbed_restore.put_back($1, $2, $3, $4, $5, $6, $7) as found',
  'seedbed hold': 'select seedbed_restore.hold($1, $2, $3) as found',
}

/** What else a database consists of, by a name for people. */
type Facts = Record<string, string | null>

/** What `put_back` and `hold` answer with; see look-sql.ts. */
interface Found extends PutBack, Numbers {
  prepared: { gid: string; user: string }[]
  facts: Facts | null
}

const nothing: Omit<Found, 'afresh'> = {
  tables: [],
  sequences: [],
  largeObjects: 0,
  ended: [],
  prepared: [],
  oldest: '0',
  next: '0',
  own: null,
  facts: null,
}

/** The slice of a client that is used. */
export type Session = Pick<Client, 'query'>
