import { access, constants } from 'node:fs/promises'
import { installedBinaries, runnableBinaries, type InstalledBinaries } from '../server/binaries.js'
import { assertReachable } from '../server/embedded.js'
import { explainFailure } from '../server/explain-failure.js'
import { exists, makePassableFolder, refuseHome, seedbedHome } from '../server/home.js'
import { runProgram } from '../server/run-program.js'
import { serverUser, type ServerUser } from '../server/server-user.js'
import { join } from 'node:path'
import { CannotCheck, ok, problem, skipped, type Check } from './finding.js'

export const checkInstallation: Check = {
  name: 'installation',
  about:
    'Where Seedbed starts the tests’ server: whether its programs are there for this platform and run as the user that they would, the folder of SEEDBED_HOME, a container engine, and the extensions of the config',
  async *run(shared) {
    const { config, folder, testUrl } = await shared.project()
    if (testUrl !== undefined)
      throw new CannotCheck('tests run on a server of somebody else’s: environments.test has a URL')
    if (config.server !== undefined && config.server !== 'embedded') {
      const { openEngine } = await import('../server/container-engine.js')
      await openEngine(folder)
      yield ok('a container engine answers; the tests’ server is started there when a run starts')
      const { extensions = [] } = config
      if (extensions.length > 0) yield skipped(`only a run can tell whether the image has ${extensions.join(', ')}`)
      return
    }
    const home = seedbedHome(process.env)
    const [installed, user] = await Promise.all([installedBinaries(), serverUser()])
    refuseHome(home)
    await makePassableFolder(home, user).catch(async error => {
      throw await explainFailure(error, home)
    })
    const isWritable = await access(home, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    )
    if (!isWritable) {
      yield problem(`${home} cannot be written to by this user`, {
        why: 'The tests’ server and its databases are made there.',
        wayOut: [`chown ${user.name} ${home}`, 'Or name another folder in SEEDBED_HOME.'],
        variable: 'SEEDBED_HOME',
      })
      return
    }
    const version = await versionOf(installed, home, user)
    yield ok(`${version.trim()} from npm runs on ${installed.platform} as ${user.name}; its folder is ${home}`)
    for (const name of config.extensions ?? []) {
      const file = join(installed.native, 'share', 'postgresql', 'extension', `${name}.control`)
      if (await exists(file)) yield ok(`the extension ${name} comes with it`)
      else {
        yield problem(`the extension ${name} does not come with the PostgreSQL from npm`, {
          why: 'No template can be built, and no test starts.',
          wayOut: [
            `Let tests run where it is installed: server: { container: { image: … } } in seedbed.config, or TEST_DATABASE_URL.`,
            `Or take ${name} out of extensions.`,
          ],
        })
      }
    }
  },
}

/** As the user that it would run as, who has to reach it, its libraries and the home. */
async function versionOf(installed: InstalledBinaries, home: string, user: ServerUser): Promise<string> {
  try {
    if (user.runAs.uid !== undefined) await assertReachable({ folder: home, user })
    const { postgres, env } = await runnableBinaries(installed, home, user)
    return await runProgram(postgres, ['--version'], { user, env })
  } catch (error) {
    throw await explainFailure(error, home)
  }
}
