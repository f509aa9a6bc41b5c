import type { Clone, Release, Released } from 'pg-template-db'
import type { KeepCalls } from './channel.js'
import type { Keeper } from './keep-clone.js'
import { summariseNotes, type RunReport } from './report.js'
import type { WorkerDatabase } from './run-handle.js'
import { isSpoiled, readNotes, writeAssigned, type FileNote } from './worker-files.js'

export interface WorkerDatabasesOptions {
  /** Of the run: see worker-files.ts. */
  folder: string
  /** One a slot, to begin with. */
  clones: Clone[]
  /** Another one of the same template. */
  another(): Promise<Clone>
  /** What a worker has to know of one. */
  assign(database: string): WorkerDatabase
  keep: Keeper['keep']
}

/** The databases of a run's workers. */
export interface WorkerDatabases extends KeepCalls {
  /** One a slot, as `clones`. */
  readonly workers: WorkerDatabase[]
  /** Gives them all back, but for those that are kept. */
  release(): Promise<{ notes: FileNote[]; dropped: RunReport['dropped'] }>
}

/** A slot's databases. */
interface Slot {
  /** The one that its worker is on, or the next worker will be. */
  current: Clone
  /** Offered, and then not needed. */
  spare?: Clone | undefined
  /** By name: something may have been committed in them, and they are not kept yet. */
  doubtful: Map<string, { clone: Clone; reason: string }>
}

const diedMeanwhile = 'its worker ended while a failed test was to be kept'

/** Knows which database each slot has: one from the beginning to the end, or another when a failed test keeps its own. */
export function workerDatabases(options: WorkerDatabasesOptions): WorkerDatabases {
  const { folder, clones, another, assign } = options
  const slots: Slot[] = clones.map(current => ({ current, doubtful: new Map() }))

  const slotOf = ({ slot }: { slot: number }) => slots[slot - 1]!

  return {
    workers: slots.map(({ current }) => assign(current.database)),
    async offer(place) {
      const slot = slotOf(place)
      const { current, doubtful } = slot
      // A worker that was killed since may have asked already, before this one began on the same database.
      if (!doubtful.has(place.database)) {
        slot.current = slot.spare ?? (await another())
        slot.spare = undefined
        doubtful.set(current.database, { clone: current, reason: diedMeanwhile })
      }
      // Before anything is committed: if the worker dies then, the next one begins on a database that is as its template.
      const next = assign(slot.current.database)
      writeAssigned(folder, place.slot, next)
      return { database: next.database, url: next.url }
    },
    async keep({ path, ...place }) {
      const { doubtful } = slotOf(place)
      const left = doubtful.get(place.database)!
      try {
        const kept = await options.keep(left.clone, path)
        doubtful.delete(place.database)
        return kept
      } catch (error) {
        left.reason = `it could not be kept: ${(error as Error).message}`
        throw error
      }
    },
    async stay(place) {
      const slot = slotOf(place)
      const { clone: left } = slot.doubtful.get(place.database)!
      slot.doubtful.delete(place.database)
      slot.spare = slot.current
      slot.current = left
      writeAssigned(folder, place.slot, assign(left.database))
    },
    async release() {
      const outcomes = await Promise.all(slots.map((slot, index) => releaseSlot(slot, folder, index + 1)))
      return {
        notes: outcomes.flatMap(({ notes }) => notes),
        dropped: outcomes.flatMap(({ dropped }) => dropped),
      }
    },
  }
}

async function releaseSlot({ current, spare, doubtful }: Slot, folder: string, slot: number) {
  const notes = await readNotes(folder, slot)
  const dropped: RunReport['dropped'] = []
  const clean = !isSpoiled(folder, slot)
  for (const clone of [current, ...(spare ? [spare] : [])]) {
    const { sessions } = summariseNotes(notes.filter(({ database }) => database === clone.database))
    const outcome = await giveBack(clone, { sessions, clean: clean || clone === spare })
    if (!outcome || outcome.reusable) continue
    const reason = clean ? `${outcome.reason}; ${visited}` : 'a statement has found a way to commit in it'
    dropped.push({ database: clone.database, reason })
  }
  for (const { clone, reason } of doubtful.values()) {
    await giveBack(clone, { sessions: 0, clean: false })
    dropped.push({ database: clone.database, reason })
  }
  return { notes, dropped }
}

/** Undefined for one whose lease is lost: nothing can be done with it, and a later run drops it. */
async function giveBack(clone: Clone, use: Release): Promise<Released | undefined> {
  try {
    return await clone.release(use)
  } catch (error) {
    if (isLeaseLost(error)) return undefined
    throw error
  }
}

/** The server has ended the session that holds the leases, as when it restarts. */
export function isLeaseLost(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'LEASE_LOST'
}

const visited = 'what does not connect by DATABASE_URL or PG* is not rolled back'
