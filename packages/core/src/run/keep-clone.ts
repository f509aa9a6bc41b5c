import { basename } from 'node:path'
import type { Clone } from 'pg-template-db'
import type { KeptTest } from './channel.js'

export interface Keeper {
  /** Those that were kept so far. */
  readonly kept: KeptTest[]
  /** @param path the test's: its file, the suites around it, and itself */
  keep(clone: Clone, path: string[]): Promise<KeptTest>
}

/**
 * Keeps what failed tests have left, under names of their own.
 *
 * @param options the project's folder, for whoever looks at what is kept, and how people get there
 */
export function keeper({
  project,
  access,
}: {
  project: string
  access(database: string): Pick<KeptTest, 'command' | 'password'>
}): Keeper {
  const kept: KeptTest[] = []
  return {
    kept,
    async keep(clone, path) {
      const { database } = await clone.keep({ label: labelOf(path), details: { project, path } })
      const test = { test: path.join(' > '), database, ...access(database) }
      kept.push(test)
      return test
    },
  }
}

/** The first and the last of a test's path, which people know it by: `users renames`. */
function labelOf(path: string[]): string {
  const file = basename(path[0]!).replace(/(\.(test|spec))?\.\w+$/, '')
  return `${file} ${path.at(-1)!}`
}
