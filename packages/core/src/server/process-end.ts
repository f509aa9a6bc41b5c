/** What is done in this process's last moment, and whether a signal that somebody else listens to is enough. */
const acts = new Map<() => void, { atAnySignal: boolean }>()

/**
 * Calls a function when this process ends, by itself or by Ctrl-C and the like, which end it as they would have. SIGKILL cannot be
 * heard.
 *
 * @param act what can be done at once; nothing is waited for. May be called twice
 * @param options.atAnySignal also at a signal after which this process may go on, since somebody else listens
 * @returns forgets it
 */
export function atProcessEnd(act: () => void, { atAnySignal }: { atAnySignal: boolean }): () => void {
  if (acts.size === 0) listen()
  acts.set(act, { atAnySignal })
  return () => {
    if (acts.delete(act) && acts.size === 0) listenNoMore()
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function listen(): void {
  // Ahead of others: one that calls process.exit(), as Vitest 3.2 does, is the last that is heard.
  process.prependListener('exit', onExit)
  for (const signal of signals) process.on(signal, onSignal)
}

function listenNoMore(): void {
  process.off('exit', onExit)
  for (const signal of signals) process.off(signal, onSignal)
}

function onExit(): void {
  for (const act of acts.keys()) act()
}

function onSignal(signal: NodeJS.Signals): void {
  const isTheEnd = process.listenerCount(signal) === 1
  for (const [act, { atAnySignal }] of acts) if (isTheEnd || atAnySignal) act()
  if (!isTheEnd) return
  listenNoMore()
  process.kill(process.pid, signal)
}
