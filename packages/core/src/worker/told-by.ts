import type { Sandbox } from 'pg-sandbox'
import type { Told } from '../restore/restore.js'

/**
 * What a sandbox knows of its clients' own sessions since it was asked last, or since now. When it has left a scope, it has ended
 * what was open in them; only those that it has lost may go on.
 */
export function toldBy(sandbox: Pick<Sandbox, 'direct'>): () => Told {
  let before = sandbox.direct
  return () => {
    const { abandoned, traceless } = before
    before = sandbox.direct
    const mayBeOpen = before.abandoned !== abandoned
    return { mayBeOpen, mayHaveMoved: mayBeOpen || before.traceless !== traceless }
  }
}
