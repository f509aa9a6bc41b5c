/*
 * The real ones: taken when a sandbox is opened, before a test can put fake ones in their place. Whatever else belongs to
 * a sandbox is loaded later.
 */
export const setTimer = setTimeout
export const clearTimer = clearTimeout
export const later = queueMicrotask
export const now = performance.now.bind(performance)
