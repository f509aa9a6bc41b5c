import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Random } from './random.js'
import type { Enough } from './soak.js'

/** Runs a random test of a package again and again, each time from another seed. Answers how many runs have passed. */
type SoakRandomTest = (random: Random, enough: Enough) => Promise<number>

export const soakRandomTests: Record<'model' | 'fuzz' | 'restore', SoakRandomTest> = {
  model: (random, enough) => repeat({ ...sandbox, ...model, random, enough }),
  fuzz: (random, enough) => repeat({ ...sandbox, ...fuzz, random, enough }),
  restore: (random, enough) => repeat({ ...restore, random, enough }),
}

const sandbox = { folder: 'packages/pg-sandbox', seed: 'PG_SANDBOX_SEED' }
const model = { file: 'test/model/model.test.ts', count: 'PG_SANDBOX_PROGRAMS', atOnce: 1_000 }
const fuzz = { file: 'test/bad-input.test.ts', count: 'PG_SANDBOX_FUZZ', atOnce: 10_000 }
const restore = {
  folder: 'packages/core',
  seed: 'SEEDBED_RESTORE_SEED',
  file: 'test/restore/random.test.ts',
  count: 'SEEDBED_RESTORE_TESTS',
  atOnce: 500,
}

async function repeat(options: {
  /** The package's. */
  folder: string
  file: string
  /** The environment variables that say how many, and from which seed. */
  count: string
  seed: string
  atOnce: number
  random: Random
  enough: Enough
}): Promise<number> {
  const { folder, file, count, seed, atOnce, random, enough } = options
  let runs = 0
  for (let done = 0; runs === 0 || !enough(done); done += atOnce) {
    const settings = { [count]: String(atOnce), [seed]: String(Math.floor(random() * 2 ** 31)) }
    const output = await outputOfFailure(folder, file, settings)
    if (output !== undefined) {
      const again = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
      throw new Error(`${folder}: ${again.join(' ')} npx vitest run ${file}\n${output}`)
    }
    runs += 1
    console.log(`${file}: ${done + atOnce} passed, the last of ${settings[seed]}`)
  }
  return runs
}

const require = createRequire(import.meta.url)
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')

async function outputOfFailure(
  folder: string,
  file: string,
  settings: Record<string, string>,
): Promise<string | undefined> {
  const child = spawn(process.execPath, [vitest, 'run', file], {
    cwd: fileURLToPath(new URL(`../../../${folder}`, import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...settings, NO_COLOR: '1' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
  const [exitCode] = await once(child, 'close')
  return exitCode === 0 ? undefined : output
}
