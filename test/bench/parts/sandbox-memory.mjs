import { fork } from 'node:child_process'
import { once } from 'node:events'
import { startPostgres } from '@seedbed/postgres-for-tests'
import pg from 'pg'

export const title = 'The memory of a sandbox'
export const how = `One process with a sandbox runs 20,000 tests, in files of 100, every other file with a beforeAll that writes. In each test two clients send BEGIN, INSERT, SELECT (a prepared statement with a name) and COMMIT: one is a pool’s and stays for the whole time; the other is replaced by a new one every ten tests, in turn over TCP and from memory. What is in use after a forced collection (the heap, and buffers outside of it) is compared with what was in use after 2,000 tests, when all code has been compiled; the same for the memory contexts of the sandbox's session on the server. Between two collections the first differs by up to 0.4 MB in a process that keeps nothing; a MB more would be 58 bytes for each test, or 583 for each client that has come and gone: less than the smallest thing that a sandbox makes for either.`

/** @returns {Promise<import('../report.mjs').Figure[]>} */
export async function measure({ project, place, quick }) {
  const server = await startPostgres({ under: place })
  try {
    const admin = new pg.Client({ connectionString: server.url })
    await admin.connect()
    await admin.query('create table customer (id serial primary key, name text, email text unique)')
    await admin.end()
    const counts = quick ? [1_000, 4_000] : [2_000, 20_000]
    const [early, late] = await memoryAt(counts, { project, url: server.url })
    const tests = `${counts[0].toLocaleString('en')} to ${counts[1].toLocaleString('en')} tests`
    const figure = (name, part) => ({
      name: `${name}, from ${tests}`,
      value: megabytes(late[part] - early[part]),
      unit: 'MB more',
      promise: { below: 1 },
      compared: `${megabytes(early[part]).toFixed(1)} MB to ${megabytes(late[part]).toFixed(1)} MB`,
    })
    return [figure('memory of the process', 'process'), figure('memory of the session', 'session')]
  } finally {
    await server.stop()
  }
}

async function memoryAt(counts, { project, url }) {
  const child = fork(project.program('sandbox-memory.mjs'), [url, ...counts.map(String)], {
    execArgv: ['--expose-gc'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR },
  })
  const answers = []
  child.on('message', answer => answers.push(answer))
  const [code] = await once(child, 'exit')
  if (code !== 0 || answers.length !== counts.length) throw new Error(`sandbox-memory.mjs ended with ${code}`)
  return answers
}

/** Rounded, so that nothing is not `-0.00`. */
const megabytes = bytes => Math.round((bytes / 2 ** 20) * 100) / 100
