import { createRequire } from 'node:module'

/**
 * `pg` is CommonJS. `import` reads its files to find the names that they export, also where somebody has loaded it already: nine
 * milliseconds in each process of a test file that connects, a seventh of what it pays for its database.
 */
export const { Client, DatabaseError, escapeIdentifier, escapeLiteral } = createRequire(import.meta.url)(
  'pg',
) as typeof import('pg')
