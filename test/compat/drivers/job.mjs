import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../../../scripts/workspaces.mjs'
import { build, install, vitest } from '../support/repository.mjs'
import { run, skip, tell } from '../support/run.mjs'
import { installProgram } from '../support/install-program.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))

/** What else connects to PostgreSQL, each once on a real database and once in a sandbox, with the same expectations. */
export default async function job() {
  await install(here)
  await build()
  tell('prisma generate')
  // It makes TypeScript of a schema, and would download an engine that it does not need for that.
  await run(join(here, 'node_modules/.bin/prisma'), ['generate'], {
    cwd: here,
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', CHECKPOINT_DISABLE: '1' },
  })
  tell('types of the tests')
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', here])

  const missing = new Map()
  for (const [name, program] of Object.entries(programs)) {
    const reason = await installProgram(program)
    if (reason) missing.set(name, reason)
  }
  for (const [name, reason] of missing) tell(`without ${name}: ${reason}`)
  await vitest(['--root', here, ...[...missing.keys()].flatMap(name => ['--exclude', `${name}.test.ts`])])
  if (missing.size > 0) skip(`all others passed, but not tried: ${[...missing.values()].join('; ')}`)
}

/** By the name of their tests: what answers if they are there, and Debian's packages. */
const programs = {
  psql: { check: ['psql', '--version'], packages: ['postgresql-client'] },
  psycopg: {
    check: ['/usr/bin/python3', '-c', 'import psycopg, psycopg_pool'],
    packages: ['python3-psycopg', 'python3-psycopg-pool'],
  },
}
