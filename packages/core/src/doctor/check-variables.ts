import { refusalsOf } from '@seedbed/environments'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { trackedFiles } from './tracked-files.js'
import { ok, skipped, warning, type Check } from './finding.js'

/** What programs connect by that know nothing of the config. */
const everybodys = /^(DATABASE_URL|PG[A-Z]+)$/

export const checkVariables: Check = {
  name: 'variables',
  about:
    'Whether DATABASE_URL or PG*, of the process or of `.env`, lead to a protected environment; what refuses in tests; whether git tracks `.env`',
  async *run(shared) {
    const { folder, asked } = await shared.project()
    const refusals = refusalsOf(asked)()
    for (const { variable, environment } of refusals.filter(each => everybodys.test(each.variable))) {
      const isOfProcess = asked.variables[variable] !== undefined
      yield warning(`${variable} ${isOfProcess ? 'of this process' : 'in .env'} leads to ${environment}`, {
        why: 'Whatever is started here without Seedbed connects there: a script, psql, an ORM’s command. In tests it refuses.',
        wayOut: [
          `Call it otherwise, and name that variable in environments.${environment}: ${environment.toUpperCase()}_DATABASE_URL.`,
          'Start scripts with: node --import @seedbed/environments/register',
        ],
        variable,
        file: isOfProcess ? null : join(folder, '.env'),
      })
    }
    const others = refusals.filter(each => !everybodys.test(each.variable)).map(({ variable }) => variable)
    if (others.length > 0) yield ok(`these lead to a protected environment, and refuse in tests: ${others.join(', ')}`)
    if (refusals.length === 0) yield ok('no variable leads to a protected environment')
    if (!existsSync(join(folder, '.env'))) return
    const tracked = await trackedFiles(folder)
    if ('problem' in tracked) yield skipped(`whether git tracks .env: ${tracked.problem}`)
    else if (tracked.files.includes('.env')) {
      yield warning('.env is tracked by git', {
        why: 'It holds what one machine has to know, and passwords; with the repository everybody gets them.',
        wayOut: [
          'git rm --cached .env',
          'echo .env >> .gitignore',
          'Change the passwords that are in it: they stay in the history.',
        ],
        file: join(folder, '.env'),
      })
    } else yield ok('git does not track .env')
  },
}
