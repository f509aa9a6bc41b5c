import { chmod, chown, lstat } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { serverErrors } from './errors.js'
import { makePrivateFolder, type ClusterFolders } from './home.js'
import type { ServerUser } from './server-user.js'

/** Where a server of ours listens, and who may come in. */
export interface Endpoint {
  /** A socket's folder, or a host name. */
  host: string
  port: number
  /** A folder that would be litter once the server has stopped. */
  removeWhenStopped?: string
  settings: Record<string, string>
  /** The lines of `pg_hba.conf`. */
  access: string
}

/** `sun_path` of unix(7) with its closing zero; other Unixes have four bytes less. */
const longestSocket = process.platform === 'linux' ? 107 : 103
const port = 5432

/**
 * A unix socket in a folder that only the server's user can enter; whoever gets there needs no password, and there is no
 * TCP port at all. Where the path would be longer than the system allows, the folder is under /tmp.
 */
export function socketEndpoint(cluster: ClusterFolders, user: ServerUser): Endpoint {
  const near = join(cluster.folder, 'socket')
  const isShort = Buffer.byteLength(join(near, `.s.PGSQL.${port}`)) <= longestSocket
  const host = isShort ? near : `/tmp/seedbed-${user.uid}-${cluster.id}`
  return {
    host,
    port,
    ...(isShort ? {} : { removeWhenStopped: host }),
    settings: {
      listen_addresses: '',
      // A list, in which double quotes keep spaces and commas together.
      unix_socket_directories: `"${host.replaceAll('"', '""')}"`,
      unix_socket_permissions: '0700',
    },
    access: 'local all all trust',
  }
}

/**
 * Loopback with a password, for Windows, which has no sockets that drivers know. Tested on Linux only.
 */
export function loopbackEndpoint(freePort: number): Endpoint {
  return {
    host: '127.0.0.1',
    port: freePort,
    settings: {
      listen_addresses: '127.0.0.1',
      port: String(freePort),
      unix_socket_directories: '',
      password_encryption: 'scram-sha-256',
    },
    access: 'host all all 127.0.0.1/32 scram-sha-256',
  }
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port: free } = probe.address() as AddressInfo
  await new Promise(resolve => probe.close(resolve))
  return free
}

/**
 * Makes the socket's folder. What a dead server left in it, the next one removes.
 *
 * @throws `SERVER_FOLDER_NOT_PRIVATE` if somebody else has made the folder under /tmp
 */
export async function makeSocketFolder(folder: string, user: ServerUser): Promise<void> {
  const stat = await lstat(folder).catch(() => undefined)
  if (!stat) return makePrivateFolder(folder, user)
  const owners = [user.uid, process.geteuid?.()]
  if (!stat.isDirectory() || !owners.includes(stat.uid)) throw serverErrors.SERVER_FOLDER_NOT_PRIVATE({ folder })
  // A process killed between mkdir and chown leaves root's folder.
  if (user.runAs.uid !== undefined && user.runAs.gid !== undefined) await chown(folder, user.runAs.uid, user.runAs.gid)
  await chmod(folder, 0o700)
}

/** Where a server's socket is, if it has one (manual, section 19.3.1, unix_socket_directories). */
export function socketFile({ host, port: number }: Endpoint): string | undefined {
  return host.startsWith('/') ? join(host, `.s.PGSQL.${number}`) : undefined
}

/** `postgresql://…`, a socket's folder percent-encoded in the host's place. */
export function urlOf(endpoint: Endpoint, user: string, password: string, database: string): string {
  const [name, secret, host, path] = [user, password, endpoint.host, database].map(encodeURIComponent)
  return `postgresql://${name}:${secret}@${host}:${endpoint.port}/${path}`
}
