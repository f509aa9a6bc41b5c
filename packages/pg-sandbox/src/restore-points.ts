/** Where the transaction can be put back to: its own start (0) or one of our savepoints (1, 2, …). */
export type Depth = number

/**
 * Decides which statements keep nested scopes apart in one transaction, with as few round trips as can be. The rule:
 * a scope needs a restore point of its own only if something was written between the newest one and the scope's start.
 * So an ordinary test needs none (it shares the transaction's start), and leaving it is one `ROLLBACK AND CHAIN`; below
 * a `beforeAll` that wrote it is one `ROLLBACK TO` a savepoint that stays for the next test. A scope in which nothing
 * ran costs nothing.
 *
 * It only plans: it returns SQL and never runs it.
 * Source: PostgreSQL manual, SQL commands, ROLLBACK (AND CHAIN) and ROLLBACK TO SAVEPOINT ("the savepoint remains
 * valid and can be rolled back to again later").
 */
export interface RestorePoints {
  enter(): void
  /** What has to run before a statement of the innermost scope; null if nothing. Counts the statement as a write. */
  beforeStatement(): string | null
  /** Leaves the innermost scope: what puts its writes back; null if nothing ran in it. */
  leave(): string | null
  /** What puts back everything since the newest restore point, without leaving a scope. */
  toNewest(): string
  /** The newest restore point. */
  depth(): Depth
  /** Those above have been rolled away by somebody else: scopes that relied on one get another. */
  forgetAbove(depth: Depth): void
  /** Whether anything ran since the newest restore point. */
  written(): boolean
  /** For each scope, the outermost first, whether anything ran in itself. */
  used(): boolean[]
  scopes(): number
}

/** Puts all back that the transaction has written, and begins it anew. */
export const rollbackAndChain = 'ROLLBACK AND CHAIN'

/**
 * @param name prefix of the savepoints; unguessable, so that no statement of a test can name one
 *
 * @example
 * const points = restorePoints('sb_1f')
 * points.enter(); points.beforeStatement() // null: the test shares the transaction's start
 * points.leave() // 'ROLLBACK AND CHAIN'
 */
export function restorePoints(name: string): RestorePoints {
  const scopes: { restore: Depth | null }[] = []
  let depth: Depth = 0
  let written = false

  const putBackTo = (target: Depth) => {
    depth = target
    written = false
    return target === 0 ? rollbackAndChain : `ROLLBACK TO SAVEPOINT ${name}_${target}`
  }
  return {
    enter() {
      scopes.push({ restore: written ? null : depth })
    },
    beforeStatement() {
      const innermost = scopes.at(-1)
      const needsPoint = innermost !== undefined && innermost.restore === null
      if (needsPoint) {
        depth += 1
        for (const scope of scopes) scope.restore ??= depth
      }
      written = true
      return needsPoint ? `SAVEPOINT ${name}_${depth}` : null
    },
    leave() {
      const scope = scopes.pop()
      if (!scope || scope.restore === null) return null
      return scope.restore === depth && !written ? null : putBackTo(scope.restore)
    },
    toNewest: () => putBackTo(depth),
    depth: () => depth,
    forgetAbove(target) {
      if (depth <= target) return
      depth = target
      for (const scope of scopes) if (scope.restore !== null && scope.restore > target) scope.restore = null
      written = true
    },
    written: () => written,
    used: () =>
      scopes.map(({ restore }, index) => {
        const inner = scopes[index + 1]
        return inner ? inner.restore !== restore : restore !== null && (restore !== depth || written)
      }),
    scopes: () => scopes.length,
  }
}
