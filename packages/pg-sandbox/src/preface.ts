import { query } from './messages.js'
import type { Shared } from './shared.js'

/** Statements of ours in front of a client's messages, in the same packet. */
export interface Preface {
  messages: Buffer[]
  /** Whether they are, so that a client's unnamed statement outlives them, and no ReadyForQuery comes in between. */
  isPrepared: boolean
  /** How many replies of this type say that all of them are done: CommandComplete or ReadyForQuery. */
  replies: number
  endsWith: 'C' | 'Z'
}

export function prefaceOf(shared: Shared, before: readonly string[]): Preface {
  if (isPrepared(shared, before)) {
    return {
      messages: before.map(sql => shared.usual.get(sql)!),
      isPrepared: true,
      replies: before.length,
      endsWith: 'C',
    }
  }
  shared.unnamedOwner = undefined
  return { messages: [query(before.join('; '))], isPrepared: false, replies: 1, endsWith: 'Z' }
}

export function isPrepared(shared: Shared, before: readonly string[]): boolean {
  return before.every(sql => shared.usual.has(sql))
}
