import type { Duplex } from 'node:stream'

/**
 * Resolves when a stream takes more, or is closed. It listens to either no longer than it has to: a stream that lives for
 * thousands of tests would collect the listeners of all of them.
 */
export function drained(stream: Duplex): Promise<void> {
  return new Promise(resolve => {
    function done(): void {
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.on('drain', done).on('close', done)
  })
}
