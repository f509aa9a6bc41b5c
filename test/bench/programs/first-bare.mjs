// From nothing to the first answer with bare means: initdb, postgres, CREATE DATABASE and the migrations, and nothing
// else. node first-bare.mjs <setup as JSON>: initdb and postgres with their environment, uid and gid, flags, settings, a
// folder that belongs to that user, and the folder of the migrations.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

const begin = performance.now()
const { default: pg } = await import('pg')
const { initdb, postgres, env, runAs, flags, settings, folder, migrations } = JSON.parse(process.argv[2])
const data = join(folder, 'data')
const options = { ...runAs, cwd: '/', env: { ...env, LC_ALL: 'C', TZ: 'UTC' } }

await promisify(execFile)(initdb, ['-D', data, '--auth=trust', ...flags], options)
const initialised = performance.now()
const all = { ...settings, listen_addresses: '', unix_socket_directories: folder }
await appendFile(
  join(data, 'postgresql.conf'),
  Object.entries(all)
    .map(([name, value]) => `${name} = '${value}'\n`)
    .join(''),
)
const server = spawn(postgres, ['-D', data], { ...options, stdio: 'ignore' })
const url = database => `postgresql://bare@${encodeURIComponent(folder)}/${database}`
const admin = await connected('postgres')
const started = performance.now()
await admin.query('create database app')
const app = await connected('app')
for (const file of (await readdir(migrations)).sort()) {
  // Several statements in one message are one transaction.
  await app.query(await readFile(join(migrations, file), 'utf8'))
}
const migrated = performance.now()
await app.query('select count(*) from customer')
process.send({
  milliseconds: performance.now() - begin,
  initdb: initialised - begin,
  start: started - initialised,
  migrations: migrated - started,
})
await Promise.all([admin.end(), app.end()])
server.kill('SIGINT')
await once(server, 'exit')
process.disconnect()

async function connected(database) {
  for (;;) {
    const client = new pg.Client({ connectionString: url(database) })
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      if (server.exitCode !== null) throw error
      await pause(3)
    }
  }
}
