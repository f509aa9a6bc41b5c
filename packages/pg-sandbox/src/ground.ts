import { restorePoints, rollbackAndChain } from './restore-points.js'

/**
 * Where the shared transaction stands between two units of work; a unit is a statement outside of a client's
 * transaction, or such a transaction as a whole. Each begins at a place that it can be put back to: the newest restore
 * point, if nothing was written since, or else a savepoint of its own. It only plans: it returns SQL and never runs it.
 */
export interface Ground {
  enter(): void
  /** Leaves the innermost scope: what puts its writes back; null if nothing ran in it. */
  leave(): string | null
  scopes(): number
  /** For each scope, the outermost first, whether anything ran in itself. */
  used(): boolean[]
  /**
   * What has to run before a unit begins.
   *
   * @param options.guarded asks for a savepoint in any case, because the unit changes what only its end puts back
   */
  begin(options?: { guarded?: boolean }): BeginOfUnit
  /** What has to run before a further statement of a unit, where a scope was entered in the midst of it. */
  goOn(): string | null
  /** Makes an end of the unit's savepoint: from here on it cannot be put back. */
  settle(): string[]
  /** What puts a unit back to where it began. */
  undo(): string
  /** Runs before most units, and is the same each time: worth to be prepared. */
  readonly usual: readonly string[]
  /** Forgets all but the scopes: a new session, in a fresh transaction. */
  reset(): void
}

export interface BeginOfUnit {
  /**
   * Begins the shared transaction anew, where nothing was written in it: `now()` tells when it began, and no test shall
   * see a time from before it. Parameters and constraint modes are then those of the session.
   */
  anew: string[]
  savepoints: string[]
  /** The unit's own savepoint, the last of `savepoints`, if it has one. */
  guard: string | undefined
}

/** @param name prefix of the savepoints; unguessable, so that no client's statement can name one */
export function openGround(name: string): Ground {
  const guard = `${name}_g`
  const setGuard = `SAVEPOINT ${guard}`
  const releaseGuard = `RELEASE SAVEPOINT ${guard}`
  let points = restorePoints(name)
  /** Whether the unit has a savepoint of its own, above the restore point that was the newest when it began. */
  let guarded = false
  let depthAtBegin = 0

  return {
    usual: [rollbackAndChain, setGuard, releaseGuard],
    enter: () => points.enter(),
    leave() {
      const undo = points.leave()
      if (undo !== null) guarded = false
      return undo
    },
    scopes: () => points.scopes(),
    used: () => points.used(),
    begin({ guarded: wanted = false } = {}) {
      // With a restore point above it, it has to stay: to release it would take that point along.
      const release = guarded && points.depth() === depthAtBegin ? releaseGuard : null
      const written = points.written()
      const isNew = !written && points.depth() === 0
      const point = points.beforeStatement()
      guarded = wanted || (written && point === null)
      depthAtBegin = points.depth()
      return {
        anew: isNew ? [rollbackAndChain] : [],
        savepoints: [release, point, guarded ? setGuard : null].filter(part => part !== null),
        guard: guarded ? guard : undefined,
      }
    },
    goOn: () => points.beforeStatement(),
    settle() {
      if (!guarded || points.depth() !== depthAtBegin) return []
      guarded = false
      return [releaseGuard]
    },
    undo() {
      points.forgetAbove(depthAtBegin)
      return guarded ? `ROLLBACK TO SAVEPOINT ${guard}` : points.toNewest()
    },
    reset() {
      const scopes = points.scopes()
      points = restorePoints(name)
      guarded = false
      for (let left = scopes; left > 0; left--) points.enter()
    },
  }
}
