import { answer, run, tell } from './run.mjs'

/**
 * Installs Debian's packages where a program does not answer.
 *
 * @param {{ check: string[], packages: string[] }} program
 * @returns {Promise<string | undefined>} why it cannot be had
 */
export async function installProgram({ check: [command, ...args], packages }) {
  const isThere = async () => (await answer(command, args, { seconds: 20 })) !== undefined
  const names = packages.join(' and ')
  if (await isThere()) return undefined
  if ((await answer('sh', ['-c', 'command -v apt-get'])) === undefined) {
    return `${names} not installed, and there is no apt-get to do it with`
  }
  if (process.geteuid() !== 0) return `${names} not installed, and only root can do it`
  tell(`installing ${names}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '--quiet=2', '--yes', '--no-install-recommends', ...packages]
  if ((await answer('apt-get', install, { env })) === undefined) {
    try {
      await run('apt-get', ['update', '--quiet=2'], { env })
      await run('apt-get', install, { env })
    } catch (error) {
      return `${names} cannot be installed: ${error.message.trim().split('\n').at(-1)}`
    }
  }
  return (await isThere()) ? undefined : `${names} installed, but ${command} does not answer`
}
