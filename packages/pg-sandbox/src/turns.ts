import { clearTimer, now, setTimer } from './clock.js'

/** Who may use the session: one at a time, in the order in which they asked. */
export interface Turns<Member> {
  /**
   * Resolves when it is the member's turn; at once if it has it already.
   *
   * @throws what `onTimeout` makes, if the holder has been idle for too long while we waited; what `forget` was given
   */
  take(member: Member, options?: { first?: boolean }): Promise<void> | undefined
  /** Gives the turn on. Nothing happens if the member does not have it. */
  give(member: Member): void
  holder(): Member | undefined
  /**
   * The holder waits for its client, in a transaction, from now on; or does so no more.
   *
   * @param onWanted called once if somebody else asks for the turn meanwhile: the holder can do without it
   */
  idle(member: Member, isIdle: boolean, onWanted?: () => void): void
  /** Whoever waits for the turn and is gone, or has been cancelled. */
  forget(member: Member, reason: Error): void
}

interface Waiting<Member> {
  member: Member
  since: number
  resolve(): void
  reject(error: Error): void
}

/**
 * @param milliseconds how long one waits for a holder that is idle; a holder that works is waited for without end
 * @param onTimeout makes the error for whoever waits
 */
export function openTurns<Member>(
  milliseconds: number,
  onTimeout: (waiting: Member, holder: Member) => Error,
): Turns<Member> {
  let holder: Member | undefined
  let idleSince: number | undefined
  let wanted: (() => void) | undefined
  const queue: Waiting<Member>[] = []
  let timer: NodeJS.Timeout | undefined

  function watch(): void {
    if (timer !== undefined) clearTimer(timer)
    timer = undefined
    if (idleSince === undefined || queue.length === 0) return
    const due = Math.min(...queue.map(({ since }) => Math.max(since, idleSince!))) + milliseconds
    timer = setTimer(expire, Math.max(due - now(), 0))
    // Whoever waits has a socket that keeps the process alive; this does not.
    timer.unref()
  }

  function expire(): void {
    timer = undefined
    const late = queue.filter(({ since }) => Math.max(since, idleSince ?? Infinity) + milliseconds <= now() + 1)
    for (const waiting of late) {
      queue.splice(queue.indexOf(waiting), 1)
      waiting.reject(onTimeout(waiting.member, holder!))
    }
    watch()
  }

  return {
    take(member, { first = false } = {}) {
      if (holder === member) return undefined
      if (holder === undefined) {
        holder = member
        return undefined
      }
      return new Promise((resolve, reject) => {
        queue[first ? 'unshift' : 'push']({ member, since: now(), resolve, reject })
        const ask = wanted
        wanted = undefined
        ask?.()
        watch()
      })
    },
    give(member) {
      if (holder !== member) return
      idleSince = undefined
      wanted = undefined
      const next = queue.shift()
      holder = next?.member
      watch()
      next?.resolve()
    },
    holder: () => holder,
    idle(member, isIdle, onWanted) {
      if (holder !== member) return
      idleSince = isIdle ? now() : undefined
      wanted = isIdle && queue.length === 0 ? onWanted : undefined
      if (isIdle && queue.length > 0) onWanted?.()
      if (queue.length > 0 || timer !== undefined) watch()
    },
    forget(member, reason) {
      for (const waiting of queue.filter(each => each.member === member)) {
        queue.splice(queue.indexOf(waiting), 1)
        waiting.reject(reason)
      }
      watch()
    },
  }
}
