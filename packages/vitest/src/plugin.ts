import { fileURLToPath } from 'node:url'
import { refuseConnections, workerErrors } from '@seedbed/core'
import type { VitestPluginContext } from 'vitest/node'

const file = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url))
export const runnerFile = file('runner') // A project with another one has no database.

/**
 * The one line in `vitest.config.ts`: a test starts on the seeded database. Inert under `vite dev` and `vite build`.
 *
 * @throws RUNNER_TAKEN if the config has a `test.runner` of its own
 * @example export default defineConfig({ plugins: [seedbed()] })
 */
export default function seedbed() {
  return {
    name: 'seedbed',
    config(_config: object, { mode }: { mode: string }) {
      if (!process.env.VITEST) return undefined
      refuseConnections()
      return mode === 'benchmark' ? {} : { test: { globalSetup: [file('global-setup')] } } // The root's runs for all.
    },
    configureVitest({ project: { config }, vitest: { mode } }: VitestPluginContext): void {
      if (config.browser.enabled || mode === 'benchmark') return // They have runners of Vitest's, and no database.
      if (config.runner) throw workerErrors.RUNNER_TAKEN({ runner: config.runner })
      config.runner = runnerFile
      // Projects of Vitest 5 do not inherit it, those of others have it twice.
      config.globalSetup = [...new Set([config.globalSetup, file('global-setup')].flat())]
    },
  }
}
