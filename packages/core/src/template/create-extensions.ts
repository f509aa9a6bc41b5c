import type { Client } from 'pg'
import { loadPg } from '../server/load-pg.js'
import { templateErrors } from './errors.js'

/**
 * Creates extensions in the client's database, with those that they need.
 *
 * @param server for the error
 * @throws SeedbedError EXTENSION_UNAVAILABLE
 */
export async function createExtensions(client: Client, extensions: readonly string[], server: string): Promise<void> {
  for (const extension of extensions) {
    await client
      .query(`create extension if not exists ${loadPg().escapeIdentifier(extension)} cascade`)
      .catch(error => {
        throw templateErrors.EXTENSION_UNAVAILABLE(
          { extension, server, reason: (error as Error).message },
          { cause: error },
        )
      })
  }
}
