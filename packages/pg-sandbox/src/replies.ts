import { SandboxServerError } from './errors.js'
import { frameReader, type Frame } from './frames.js'
import { reportFields } from './messages.js'
import type { Sink } from './server-session.js'

/** Takes the replies to statements of our own. */
export interface Replies extends Sink {
  /** The rows of each statement; throws what the server reported. */
  results(): (string | null)[][][]
}

/** Collects rows as texts: only for our own statements, whose rows are few and short. */
export function frameCollector(): Replies {
  const results: (string | null)[][][] = []
  let rows: (string | null)[][] = []
  let failure: Map<string, string> | undefined
  return {
    frame({ type, bytes }: Frame) {
      if (type === 'E') failure ??= reportFields(bytes)
      if (type === 'C') {
        results.push(rows)
        rows = []
      }
    },
    part: frameReader(({ bytes }) => rows.push(valuesOf(bytes))),
    results() {
      if (failure) throw new SandboxServerError(failure)
      return results
    },
  }
}

/** DataRow: a count of values, then each with its length, -1 for null. */
function valuesOf(bytes: Buffer): (string | null)[] {
  const values: (string | null)[] = []
  for (let left = bytes.readInt16BE(5), start = 7; left > 0; left--) {
    const length = bytes.readInt32BE(start)
    start += 4
    values.push(length === -1 ? null : bytes.toString('utf8', start, start + length))
    start += Math.max(length, 0)
  }
  return values
}
