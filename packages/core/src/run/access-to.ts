import { printableUrl, withDatabase } from '../server/database-url.js'
import type { Server } from '../server/server.js'
import type { KeptTest } from './channel.js'

/** How people get into a database: the embedded server stops with the last run, and `seedbed run` starts it. */
export function accessTo(server: Server, database: string): Pick<KeptTest, 'command' | 'password'> {
  const url = printableUrl(withDatabase(server.applicationUrl, database)).replaceAll("'", '%27')
  const start = server.kind === 'embedded' ? 'npx seedbed run -- ' : ''
  return { command: `${start}psql '${url}'`, password: server.passwordIn }
}
