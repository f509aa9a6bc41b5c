import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../scripts/workspaces.mjs'
import { answer, run, skip, tell } from '../support/run.mjs'

const user = 'seedbed-compat'

/**
 * A fresh clone of what is committed, installed without install scripts and tested, as an ordinary user: one made for it
 * if this is root, else whoever runs this. Not the whole of `npm test`, which CI runs anyway, but the parts that start
 * servers and runners.
 */
export default async function job() {
  if (process.platform === 'win32') skip('clones and users are made with the tools of Unix')
  if ((await answer('git', ['-C', root, 'rev-parse', 'HEAD'])) === undefined) skip('this is not a git checkout')
  const isRoot = process.geteuid() === 0
  if (isRoot) await makeUser()
  const folder = mkdtempSync('/tmp/seedbed-clone-')
  try {
    const clone = join(folder, 'seedbed')
    tell(`cloning ${root} to ${clone}`)
    await run('git', ['-c', 'safe.directory=*', 'clone', '--quiet', `file://${root}`, clone])
    if (isRoot) await run('chown', ['-R', `${user}:${user}`, folder])

    const env = environment(folder)
    const as = async command => {
      tell(`${isRoot ? `as ${user}: ` : ''}${command}`)
      const shell = ['sh', '-c', command]
      const become = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--']
      const [program, ...args] = isRoot ? [...become, ...shell] : shell
      await run(program, args, { cwd: clone, env, show: true })
    }
    await as('npm ci --ignore-scripts')
    await as('npm run build')
    await as('cd packages/pg-template-db && npx vitest run clone ensure')
    await as('cd packages/core && npx vitest run test/server test/run test/worker')
    await as('cd packages/vitest && npx vitest run lifecycle')
    await as('cd packages/cli && npx vitest run')
    await as('npm run demo')
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    if (isRoot) await answer('userdel', [user])
  }
}

async function makeUser() {
  if ((await answer('id', [user])) !== undefined) return
  if ((await answer('sh', ['-c', 'command -v setpriv'])) === undefined) skip('setpriv (util-linux) is missing')
  await run('useradd', ['--user-group', '--no-create-home', user]).catch(error =>
    skip(`no user can be made: ${error.message.trim().split('\n').at(-1)}`),
  )
}

/** What a login gives, and how npm reaches its registry. */
function environment(home) {
  const { PATH, LANG, CI } = process.env
  const network = Object.entries(process.env).filter(([name]) =>
    /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name),
  )
  return { PATH, LANG, CI, HOME: home, USER: user, LOGNAME: user, ...Object.fromEntries(network) }
}
