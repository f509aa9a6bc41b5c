/*
 * The real ones: taken when a sandbox is opened, before a test can put fake ones in their place. Whatever else belongs to
 * a sandbox is loaded later.
 */
export const setTimer = setTimeout
export const clearTimer = clearTimeout
export const later = queueMicrotask
/** After all that was begun in this one. */
export const nextTurn = () => new Promise<void>(resolve => setRealImmediate(resolve))
const setRealImmediate = setImmediate
export const now = performance.now.bind(performance)
export const moment = (milliseconds: number) => new Promise<void>(resolve => setTimer(resolve, milliseconds))
/** Looks every two milliseconds, up to so many. */
export async function waitWhile(goesOn: () => unknown, milliseconds = Infinity): Promise<void> {
  for (const until = now() + milliseconds; goesOn() && now() < until;) await moment(2)
}
