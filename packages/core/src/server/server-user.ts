import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'

/** Who runs the server's programs: this user, or, since PostgreSQL refuses root, another one in root's place. */
export interface ServerUser {
  /** -1 on Windows. */
  uid: number
  /** For messages: `postgres`, or the uid where it has no name. */
  name: string
  /** For `spawn`: empty unless root has to become somebody else. */
  runAs: { uid?: number; gid?: number }
  /** initdb wants a name for its uid; the server itself does not. */
  canInitialise: boolean
}

/**
 * The user that the server's programs run as. Root's stand-in is `postgres`, else `nobody`, else the first ordinary
 * user of /etc/passwd, else the uid 65534 without a name.
 *
 * @example const user = await serverUser(); spawn(postgres, args, user.runAs)
 */
export async function serverUser(): Promise<ServerUser> {
  const uid = process.geteuid?.() ?? -1
  if (uid !== 0) {
    const name = ownName()
    return { uid, name: name ?? String(uid), runAs: {}, canInitialise: name !== undefined || uid === -1 }
  }
  const entries = (await readFile('/etc/passwd', 'utf8').catch(() => ''))
    .split('\n')
    .map(line => line.split(':'))
    .map(([name, , id, group]) => ({ name: name ?? '', uid: Number(id), gid: Number(group) }))
    .filter(entry => entry.uid > 0 && Number.isInteger(entry.gid))
  const entry =
    entries.find(({ name }) => name === 'postgres') ??
    entries.find(({ name }) => name === 'nobody') ??
    entries.find(({ uid: id }) => id >= 1000)
  if (!entry) return { uid: 65534, name: '65534', runAs: { uid: 65534, gid: 65534 }, canInitialise: false }
  return { uid: entry.uid, name: entry.name, runAs: { uid: entry.uid, gid: entry.gid }, canInitialise: true }
}

/** Undefined for a uid without a passwd entry, as `docker run --user 12345` gives. */
function ownName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
