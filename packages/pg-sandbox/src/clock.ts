/*
 * The real ones: taken when a sandbox is opened, before a test can put fake ones in their place. Whatever else belongs to
 * a sandbox is loaded later.
 */
export const setTimer = setTimeout
export const clearTimer = clearTimeout
/** Once nothing is left to do that is not waited for. */
export const later = (work: () => void) => queueRealMicrotask(() => nextRealTick(work))
const queueRealMicrotask = queueMicrotask
const nextRealTick = process.nextTick
/** After all that was begun in this one. */
export const nextTurn = () => new Promise<void>(resolve => setRealImmediate(resolve))
export const setRealImmediate = setImmediate
export const clearRealImmediate = clearImmediate
export const now = performance.now.bind(performance)
export const moment = (milliseconds: number) => new Promise<void>(resolve => setTimer(resolve, milliseconds))
/** Looks every two milliseconds, up to so many. */
export async function waitWhile(goesOn: () => unknown, milliseconds = Infinity): Promise<void> {
  for (const until = now() + milliseconds; goesOn() && now() < until;) await moment(2)
}
