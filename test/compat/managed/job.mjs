import { fileURLToPath } from 'node:url'
import { installProgram } from '../support/install-program.mjs'
import { build, vitest } from '../support/repository.mjs'
import { skip } from '../support/run.mjs'

/** A server as a provider has it: TLS and no superuser, directly and with PgBouncer in front. */
export default async function job() {
  for (const program of [
    { check: ['pgbouncer', '--version'], packages: ['pgbouncer'] },
    { check: ['openssl', 'version'], packages: ['openssl'] },
  ]) {
    const reason = await installProgram(program)
    if (reason) skip(reason)
  }
  await build()
  await vitest([], { cwd: fileURLToPath(new URL('.', import.meta.url)) })
}
