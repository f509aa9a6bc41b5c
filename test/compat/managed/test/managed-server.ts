import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { startPostgres } from '@seedbed/postgres-for-tests'
import type { QueryResultRow } from 'pg'
import { query } from '../../../../packages/core/test/server/support.js'
import { makeCertificates } from './certificates.js'

const password = 'a secret of the tester'

export interface ManagedServer extends AsyncDisposable {
  /** Of the server itself; asks for TLS, and for the authority that has signed its certificate. */
  url: string
  /** The same of a PgBouncer before it, with these lines in its configuration. */
  startPgBouncer(settings: Record<string, string>): Promise<{ url: string } & AsyncDisposable>
  /** A certificate authority that has nothing to do with it. */
  otherCa: string
  /** As the superuser, on the server itself. */
  admin<Row extends QueryResultRow>(sql: string, database?: string): Promise<Row[]>
}

/**
 * A PostgreSQL that takes nothing over TCP but TLS with a password, whose tester may create databases and no more, and which
 * has no database `postgres`.
 */
export async function startManaged(): Promise<ManagedServer> {
  const port = await freePort()
  const server = await startPostgres({ settings: { listen_addresses: 'localhost', port: String(port) } })
  const data = join(server.folder, 'data')
  const owner = await stat(data)
  const folder = await mkdtemp('/tmp/seedbed-managed-')
  await chmod(folder, 0o755)
  const { ca, otherCa } = await makeCertificates(folder)
  for (const name of ['server.key', 'server.pem']) {
    await chown(join(folder, name), owner.uid, owner.gid)
    await chmod(join(folder, name), 0o600)
  }
  await writeFile(join(data, 'pg_hba.conf'), 'local all postgres trust\nhostssl all all all scram-sha-256\n')
  const admin: ManagedServer['admin'] = (sql, database = 'apps') => query(server.urlFor({ database }), sql)
  await admin('create database apps', 'template1')
  for (const sql of [
    'drop database postgres',
    `create role tester login createdb password '${password}'`,
    'revoke all on database apps from public',
    'grant connect on database apps to tester',
    `alter system set ssl_cert_file = '${folder}/server.pem'`,
    `alter system set ssl_key_file = '${folder}/server.key'`,
    'alter system set ssl = on',
    'select pg_reload_conf()',
  ]) {
    await admin(sql)
  }
  const urlAt = (at: number) =>
    `postgresql://tester:${encodeURIComponent(password)}@localhost:${at}/apps?sslmode=verify-full&sslrootcert=${ca}`
  await answers(urlAt(port))
  return {
    url: urlAt(port),
    otherCa,
    admin,
    async startPgBouncer(settings) {
      const at = await freePort()
      const place = await mkdtemp(join(folder, 'pgbouncer-'))
      const lines = {
        listen_addr: 'localhost',
        listen_port: at,
        unix_socket_dir: '',
        logfile: join(place, 'log'),
        auth_type: 'scram-sha-256',
        auth_file: join(place, 'users.txt'),
        client_tls_sslmode: 'require',
        client_tls_cert_file: join(folder, 'server.pem'),
        client_tls_key_file: join(folder, 'server.key'),
        server_tls_sslmode: 'verify-full',
        server_tls_ca_file: ca,
        ...settings,
      }
      const text = Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`)
      const config = join(place, 'pgbouncer.ini')
      await writeFile(config, `[databases]\n* = host=localhost port=${port}\n[pgbouncer]\n${text.join('')}`)
      await writeFile(lines.auth_file, `"tester" "${password}"\n`)
      await chown(place, owner.uid, owner.gid)
      const child = spawn('pgbouncer', ['-q', config], {
        stdio: 'ignore',
        env: { PATH: `${process.env.PATH}:/usr/sbin` },
        ...(process.geteuid?.() === 0 && { uid: owner.uid, gid: owner.gid }),
      })
      const ended = once(child, 'close')
      const url = urlAt(at)
      await Promise.race([
        answers(url),
        ended.then(async () => {
          throw new Error(`PgBouncer has ended:\n${await readFile(lines.logfile, 'utf8')}`)
        }),
      ])
      return {
        url,
        async [Symbol.asyncDispose]() {
          child.kill('SIGTERM')
          await ended
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Until somebody lets us in: PgBouncer listens a moment later, and the server reads its settings anew. */
async function answers(url: string): Promise<void> {
  for (const start = Date.now(); ;) {
    try {
      return void (await query(url, 'select'))
    } catch (error) {
      if (Date.now() - start > 20_000) throw error
    }
  }
}
