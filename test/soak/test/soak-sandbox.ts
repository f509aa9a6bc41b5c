import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Random } from './random.js'
import type { Enough } from './soak.js'

/** Runs a random test of pg-sandbox again and again, each time from another seed. Answers how many runs have passed. */
type SoakSandbox = (random: Random, enough: Enough) => Promise<number>

export const soakSandbox: Record<'model' | 'fuzz', SoakSandbox> = {
  model: (random, enough) =>
    repeat({ file: 'test/model/model.test.ts', count: 'PG_SANDBOX_PROGRAMS', atOnce: 1_000, random, enough }),
  fuzz: (random, enough) =>
    repeat({ file: 'test/bad-input.test.ts', count: 'PG_SANDBOX_FUZZ', atOnce: 10_000, random, enough }),
}

async function repeat(options: {
  file: string
  /** The environment variable that says how many. */
  count: string
  atOnce: number
  random: Random
  enough: Enough
}): Promise<number> {
  const { file, count, atOnce, random, enough } = options
  let runs = 0
  for (let done = 0; runs === 0 || !enough(done); done += atOnce) {
    const settings = { [count]: String(atOnce), PG_SANDBOX_SEED: String(Math.floor(random() * 2 ** 31)) }
    const output = await outputOfFailure(file, settings)
    if (output !== undefined) {
      const again = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
      throw new Error(`packages/pg-sandbox: ${again.join(' ')} npx vitest run ${file}\n${output}`)
    }
    runs += 1
    console.log(`${file}: ${done + atOnce} passed, the last of ${settings.PG_SANDBOX_SEED}`)
  }
  return runs
}

const require = createRequire(import.meta.url)
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')

async function outputOfFailure(file: string, settings: Record<string, string>): Promise<string | undefined> {
  const child = spawn(process.execPath, [vitest, 'run', file], {
    cwd: fileURLToPath(new URL('../../../packages/pg-sandbox', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...settings, NO_COLOR: '1' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
  const [exitCode] = await once(child, 'close')
  return exitCode === 0 ? undefined : output
}
