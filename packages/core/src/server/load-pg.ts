import { createRequire } from 'node:module'

/**
 * `pg`, when it is first needed; whoever imports it later gets the same. It is CommonJS, and `require` loads it some
 * milliseconds quicker than `import`.
 *
 * @example const { Client } = loadPg()
 */
export function loadPg(): typeof import('pg') {
  const load = () => createRequire(import.meta.url)('pg') as typeof import('pg')
  // pg wants to know whether it runs at Cloudflare (lib/stream.js). Where there is no `navigator`, in Node before 21, it
  // looks at `Response` instead, and the first look loads Node's fetch: 20 ms, half of what loading pg takes.
  if ('navigator' in globalThis) return load()
  Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Node.js' }, configurable: true })
  try {
    return load()
  } finally {
    delete (globalThis as { navigator?: unknown }).navigator
  }
}
