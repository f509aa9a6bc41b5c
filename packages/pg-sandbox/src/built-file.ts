import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** A file that a thread runs. This repository's tests run the sources; a thread cannot, and takes what was built of them. */
export function builtFile(name: string): string {
  return join(dirname(createRequire(import.meta.url).resolve('pg-sandbox/package.json')), 'dist', name)
}
