import { createHash } from 'node:crypto'
import { processOf, type Session } from './session.js'

/**
 * Three classes of advisory locks, all taken in the registry's database, for they are known to one database only.
 * A session's locks go with it, so that a process that dies leaves none.
 * https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
 */
export const lockClass = {
  /** On a row's id, held by a handle's one long session: shared for a template, exclusive for a clone. */
  lease: 1,
  /**
   * On a row's id, held by the very session that runs CREATE or DROP DATABASE: if its process is killed, the server
   * may still be at it, and the lock stays until it is done. Whoever drops needs this one and the lease.
   */
  busy: 2,
  /** On a key, while its template is looked for, cleared away and built. */
  key: 3,
} as const

/** Who builds what one waits for. */
export interface BuildHolder {
  /** Process id on `host`. */
  pid: number
  host: string
}

/** The number that stands for a key. Two keys with the same number wait for each other, and that is all. */
function keyNumber(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE() & 0x7fffffff
}

/**
 * Takes a key's lock, and tells `onWait` at once and then about every second who has it meanwhile. If the holder fails
 * or dies, it is our turn.
 */
export async function lockKey(
  { work, lease }: { work: Session; lease: Session },
  key: string,
  onWait: (holder: BuildHolder | undefined, milliseconds: number) => void,
): Promise<void> {
  const values = [lockClass.key, keyNumber(key)]
  const [free] = await work.query<{ locked: boolean }>('select pg_try_advisory_lock($1, $2) as locked', values)
  if (free?.locked) return
  const started = performance.now()
  const granted = work.query('select pg_advisory_lock($1, $2)', values)
  granted.catch(() => {}) // awaited below, unless onWait throws
  for (let waiting = true; waiting; waiting = !(await settledWithin(granted, 1000))) {
    const [holder] = await lease.query<{ application: string }>(holderOfKey, values)
    onWait(holder && processOf(holder.application), performance.now() - started)
  }
  await granted
}

const holderOfKey = `
  select a.application_name as application
    from pg_locks l join pg_stat_activity a using (pid)
   where l.locktype = 'advisory' and l.granted and l.classid = $1::int::oid and l.objid = $2::int::oid
     and l.database = (select oid from pg_database where datname = current_database())`

/**
 * Runs a job while `work` holds everything that dropping a row's database needs. Undefined if somebody else has it in
 * use, or is creating or dropping it.
 */
export async function whileUnused<Result>(
  work: Session,
  id: number,
  job: () => Promise<Result>,
): Promise<Result | undefined> {
  const locked: number[] = []
  try {
    for (const kind of [lockClass.lease, lockClass.busy]) {
      const [row] = await work.query<{ locked: boolean }>('select pg_try_advisory_lock($1, $2) as locked', [kind, id])
      if (!row?.locked) return undefined
      locked.push(kind)
    }
    return await job()
  } finally {
    for (const kind of locked) await work.query('select pg_advisory_unlock($1, $2)', [kind, id]).catch(() => {})
  }
}

/** Whether the promise was fulfilled or rejected before the time was over. */
async function settledWithin(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const elapsed = new Promise<boolean>(resolve => (timer = setTimeout(() => resolve(false), milliseconds)))
  const settled = promise.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([settled, elapsed])
  } finally {
    clearTimeout(timer)
  }
}
