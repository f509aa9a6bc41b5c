import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { answer, run, skip, tell } from '../support/run.mjs'

/**
 * A Docker engine: the one that answers, else one that is started here and stopped again, after installing Debian's
 * packages where that may be done. Ends the job as skipped where neither is possible.
 *
 * @returns {Promise<{ stop(): Promise<void> }>}
 */
export async function dockerEngine() {
  if (await doesAnswer()) return { stop: async () => {} }
  if (process.platform !== 'linux') skip('no Docker engine answers, and one can be started here on Linux only')
  if (process.geteuid() !== 0) skip('no Docker engine answers to this user, and only root can start one')
  await installPackages()

  const folder = mkdtempSync('/tmp/seedbed-dockerd-')
  const log = join(folder, 'log')
  // overlay2 is said because dockerd falls back to copying whole images where it doubts.
  for (const storage of [['--storage-driver=overlay2'], []]) {
    tell(`starting dockerd ${storage.join(' ')}`)
    const file = openSync(log, 'w')
    // Containers have few files each by default on machines whose own limit is boundless.
    const child = spawn('dockerd', [...storage, '--default-ulimit', 'nofile=20000:20000'], {
      stdio: ['ignore', file, file],
    })
    const ended = once(child, 'exit').catch(() => {})
    while (child.exitCode === null && child.signalCode === null) {
      if (await doesAnswer()) {
        return {
          async stop() {
            child.kill()
            await ended
            rmSync(folder, { recursive: true, force: true })
          },
        }
      }
      await pause(200)
    }
  }
  const reason = readFileSync(log, 'utf8').trim().split('\n').at(-1)
  rmSync(folder, { recursive: true, force: true })
  return skip(`dockerd does not start here: ${reason}`)
}

async function doesAnswer() {
  return (await answer('docker', ['version', '--format', '{{.Server.Version}}'], { seconds: 20 })) !== undefined
}

async function installPackages() {
  const wanted = { dockerd: 'docker.io', debootstrap: 'debootstrap' }
  const missing = []
  for (const [program, name] of Object.entries(wanted)) {
    if ((await answer('sh', ['-c', `command -v ${program}`])) === undefined) missing.push(name)
  }
  if (missing.length === 0) return
  if ((await answer('sh', ['-c', 'command -v apt-get'])) === undefined) {
    skip(`${missing.join(' and ')} not installed, and there is no apt-get to do it with`)
  }
  tell(`installing ${missing.join(' and ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '--quiet=2', '--yes', '--no-install-recommends', 'iptables', ...missing]
  if ((await answer('apt-get', install, { env })) !== undefined) return
  try {
    await run('apt-get', ['update', '--quiet=2'], { env })
    await run('apt-get', install, { env })
  } catch (error) {
    skip(`${missing.join(' and ')} cannot be installed: ${error.message.trim().split('\n').at(-1)}`)
  }
}
