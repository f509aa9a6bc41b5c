import { randomUUID } from 'node:crypto'
import { link, open, readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { serverErrors } from './errors.js'
import { fileIdentity, isCopy, type FileIdentity } from './file-identity.js'
import { processState, thisProcess, type ProcessIdentity } from './process-identity.js'

/** What a lock file says. The token never comes back, so that a lock can be told from the next one. */
interface Holder extends ProcessIdentity {
  token: string
  /** The lock file itself: one that came out of an archive is nobody's. */
  file?: FileIdentity
}

const noticeAfter = 1_000
const giveUpAfter = { alive: 300_000, elsewhere: 30_000 }

/**
 * Does something while holding a lock file, after waiting for as long as another holder runs. A holder that was killed is noticed at once, since its
 * process is gone; one that is merely stopped or slow keeps the lock, for no clock decides. Why own code:
 * docs/decisions/0002-lock-file.md. Not reentrant.
 *
 * How two that find the same dead holder do not remove each other's fresh lock: whoever removes a dead holder's file
 * must hold the lock that is named after that holder's token, and look again once it has it.
 *
 * @param onWait called once, after a second, with the pid that is waited for
 * @throws `SERVER_LOCK_HELD` after 5 minutes, or after 30 seconds if the holder is on another machine or in another
 *   container, where its life cannot be seen
 * @example await underLock('/home/ada/.cache/seedbed/clusters/shop-1f/lock', () => startServer())
 */
export async function underLock<Result>(
  path: string,
  action: () => Promise<Result>,
  onWait: (pid: number) => void = () => {},
): Promise<Result> {
  const me: Holder = { token: randomUUID(), ...(await thisProcess()) }
  const mine = `${path}.${me.token}.waiting`
  // link() makes the lock appear with its content already in it; open() and write() would leave a moment without.
  await writeHolder(mine, me)
  try {
    for (const start = Date.now(); !(await tryLink(mine, path));) {
      const holder = await holderOf(path)
      if (!holder) continue
      const state = holder === 'unreadable' ? 'gone' : await stateOf(path, holder)
      if (holder === 'unreadable' || state === 'gone') {
        await removeDead(path, holder)
        continue
      }
      const waited = Date.now() - start
      if (waited > giveUpAfter[state]) throw serverErrors.SERVER_LOCK_HELD({ file: path, pid: holder.pid, state })
      if (waited > noticeAfter) {
        onWait(holder.pid)
        onWait = () => {}
      }
      await pause(waited < 200 ? 5 : 20)
    }
  } finally {
    await rm(mine, { force: true })
  }
  try {
    await sweep(path, me)
    return await action()
  } finally {
    await rm(path, { force: true })
  }
}

async function writeHolder(file: string, holder: Holder): Promise<void> {
  await using handle = await open(file, 'wx', 0o600)
  await handle.writeFile(JSON.stringify({ ...holder, file: await fileIdentity(handle) }))
}

async function stateOf(path: string, holder: Holder): ReturnType<typeof processState> {
  const state = await processState(holder)
  if (state !== 'elsewhere' || !holder.file) return state
  return (await isCopy(path, holder.file).catch(() => false)) ? 'gone' : state
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function removeDead(path: string, dead: Holder | 'unreadable'): Promise<void> {
  const token = (holder: typeof dead) => (holder === 'unreadable' ? holder : holder.token)
  await underLock(`${path}.${token(dead)}`, async () => {
    const holder = await holderOf(path)
    if (holder && token(holder) === token(dead)) await rm(path, { force: true })
  })
}

/** What killed waiters and removers left beside the lock. Safe under the lock: their tokens never become its holder. */
async function sweep(path: string, me: Holder): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`)) continue
    const file = join(dirname(path), name)
    const owner = await holderOf(file)
    if (!owner || owner === 'unreadable' || owner.token === me.token) continue
    if ((await stateOf(file, owner)) === 'gone') await rm(file, { force: true })
  }
}

/** A lock is linked into place whole, so that one which cannot be read was damaged with the machine: nobody holds it. */
async function holderOf(path: string): Promise<Holder | 'unreadable' | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch (error) {
    if (error instanceof SyntaxError) return 'unreadable'
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
