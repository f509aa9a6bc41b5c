import type { Isolation } from '../config/config.js'
import type { Scope } from './scope.js'

/** What a runner reads, while it reads a test file. */
export interface Block {
  /** The `describe` whose function runs; undefined at the top of the file. */
  block: object | undefined
  /** What is in it so far. */
  entries: readonly object[]
}

/** What `isolation()` has said while files were read. */
export interface Declared {
  /** While a file is read, and not while its tests run. */
  blocks: (() => Block) | undefined
  /** @param entry the runner's own object for a describe or test; undefined for the file itself */
  declare(entry: object | undefined, isolation: Isolation): void
  /** Of those that were said for a scope and those around it, the innermost. */
  of(scope: Scope, around: readonly Scope[]): Isolation | undefined
  /** The next file is read. */
  begin(blocks: Declared['blocks']): void
}

export function openDeclared(): Declared {
  const entries = new WeakMap<object, Isolation>()
  let ofFile: Isolation | undefined
  const said = ({ id, kind }: Scope) =>
    kind === 'file' ? ofFile : typeof id === 'object' && id !== null ? entries.get(id) : undefined

  const declared: Declared = {
    blocks: undefined,
    declare(entry, isolation) {
      if (entry) entries.set(entry, isolation)
      else ofFile = isolation
    },
    of(scope, around) {
      for (let index = around.length, each = scope; ; each = around[index]!) {
        const isolation = said(each)
        if (isolation || index-- === 0) return isolation
      }
    },
    begin(blocks) {
      declared.blocks = blocks
      ofFile = undefined
    },
  }
  return declared
}
