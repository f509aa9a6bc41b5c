import { applyInit, planAfterInstall, planInit, type InitOptions, type InitPlan, type InitTest } from '@seedbed/core'
import { askYes } from './ask.js'
import { byHandLines, diffLines, foundLines, withoutPasswords } from './init-lines.js'
import { colour, print, printJson, say } from './print.js'
import { runChild } from './run-child.js'

export interface InitCommandOptions {
  runner?: 'vitest' | 'jest'
  dryRun?: boolean
  yes?: boolean
  install: boolean
  json?: boolean
}

interface Outcome {
  /** Whether somebody, or --yes, has agreed to it. */
  agreed: boolean
  installed: boolean
  /** Paths. */
  written: string[]
  /** How each first test that was run has ended. */
  tests: { path: string; code: number }[]
}

/**
 * Sets a project up: shows what was found and what is to be written, asks, installs, writes, and runs the first test.
 *
 * @returns the exit code: 0 only if all is in place and the test has passed, or nothing but a look was asked for
 */
export async function initProject(folder: string, options: InitCommandOptions): Promise<number> {
  const { dryRun = false, json = false } = options
  const asked: InitOptions = { folder, runner: options.runner }
  const plan = await planInit(asked)
  if (!json) for (const line of shownLines(plan, options)) print(line)
  const outcome: Outcome = { agreed: false, installed: false, written: [], tests: [] }
  const code = dryRun ? 0 : await carryOut(plan, asked, options, outcome)
  if (json) printJson({ ...withoutPasswords(plan), ...outcome })
  return code
}

function shownLines(plan: InitPlan, { install }: InitCommandOptions): string[] {
  return [
    ...foundLines(plan),
    ...plan.files.flatMap(diffLines),
    ...(plan.install && install ? ['', `installs: ${plan.install.command.join(' ')}`] : []),
    ...plan.byHand.flatMap(byHandLines),
  ]
}

async function carryOut(
  plan: InitPlan,
  asked: InitOptions,
  options: InitCommandOptions,
  outcome: Outcome,
): Promise<number> {
  const install = options.install ? plan.install : null
  if (plan.files.length > 0 || install) {
    const answer = await agree(options)
    if (answer !== 'yes') return answer === 'interrupted' ? 130 : 1
    outcome.agreed = true
    const code = install ? await runHere(plan, install.command, options) : 0
    if (code !== 0) {
      say(colour('red', 'the packages could not be installed, and nothing was written; seedbed init tries it again'))
      return code === 130 ? 130 : 1
    }
    outcome.installed = install !== null
    outcome.written = await applyInit(install ? await planAfterInstall(plan, asked) : plan)
    if (outcome.written.length > 0) say(`written: ${outcome.written.join(', ')}`)
  } else if (plan.byHand.length === 0) {
    say('everything is in place: nothing was changed')
  }
  if (plan.byHand.length > 0) {
    say(colour('yellow', 'some lines are left to you, as shown above; then run seedbed init again'))
    return 1
  }
  if (plan.install && !install && !plan.install.isThere) {
    say(`the packages are left to you: ${plan.install.command.join(' ')}; then run seedbed init again`)
    return 1
  }
  return runTests(plan, options, outcome)
}

async function agree({ yes, json }: InitCommandOptions): Promise<'yes' | 'no' | 'interrupted'> {
  if (yes) return 'yes'
  if (!process.stdin.isTTY) {
    say('nothing was changed: there is no terminal at which somebody could be asked. --yes writes without asking')
    return 'no'
  }
  const answer = await askYes(json ? 'What would be written is shown by --dry-run.' : '', 'Write this? [y/N] ')
  if (answer !== 'yes') say('nothing was changed')
  return answer
}

async function runTests(plan: InitPlan, options: InitCommandOptions, outcome: Outcome): Promise<number> {
  for (const test of plan.tests) {
    say(test.command.join(' '))
    outcome.tests.push({ path: test.path, code: await runHere(plan, test.command, options, test) })
  }
  const failed = outcome.tests.filter(({ code }) => code !== 0)
  for (const { path } of failed) say(colour('red', `${path} has failed: what it says above has to be mended`))
  if (failed.length === 0)
    say(colour('green', `${plan.tests.map(({ path }) => path).join(' and ')} passed: Seedbed is set up`))
  return failed.length === 0 ? 0 : 1
}

/** Where the answer is JSON, standard output is the answer's alone. */
function runHere(
  { folder }: InitPlan,
  command: [string, ...string[]],
  { json }: InitCommandOptions,
  { env = {} }: Partial<InitTest> = {},
): Promise<number> {
  const added = Object.entries(env).map(([name, value]) => [name, [process.env[name], value].filter(Boolean).join(' ')])
  return runChild(command, {
    cwd: folder,
    env: { ...process.env, ...(Object.fromEntries(added) as Record<string, string>) },
    stdio: ['inherit', json ? process.stderr : 'inherit', 'inherit'],
    // There, package managers are scripts of the shell.
    shell: process.platform === 'win32',
  })
}
