import { draw, plain, say } from './print.js'

/**
 * Waits for something that takes its time. At a terminal it shows what, and for how long by now; elsewhere it says so once. In the
 * end it says how long it took.
 *
 * @example await during('embeddings', () => embed()) // seedbed  embeddings · 12.3 s
 */
export async function during<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  const begun = performance.now()
  const name = plain(what)
  const seconds = () => `${((performance.now() - begun) / 1_000).toFixed(1)} s`
  const show = () => draw(`${name} … ${seconds()}`)
  if (process.stderr.isTTY) show()
  else say(`${name} …`)
  const timer = process.stderr.isTTY ? setInterval(show, 200).unref() : undefined
  try {
    const result = await work()
    say(`${name} · ${seconds()}`)
    return result
  } catch (error) {
    say(`${name} · failed after ${seconds()}`)
    throw error
  } finally {
    clearInterval(timer)
  }
}
