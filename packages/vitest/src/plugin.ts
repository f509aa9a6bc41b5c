import { fileURLToPath } from 'node:url'
import { refuseConnections, workerErrors } from '@seedbed/core'
import type { VitestPluginContext } from 'vitest/node'

const file = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url))
/** Stands first among a project's setup files; a project without it has no database. */
export const setupFile = file('setup')

/**
 * The one line in `vitest.config.ts`: every test starts on the migrated, seeded database, and leaves no trace. Does
 * nothing under `vite dev` and `vite build`.
 *
 * @throws RUNNER_TAKEN if the config has a `test.runner` of its own
 * @example export default defineConfig({ plugins: [seedbed()] })
 */
export default function seedbed() {
  return {
    name: 'seedbed',
    config() {
      if (!process.env.VITEST) return undefined
      refuseConnections()
      // Here and not only below, because Vitest runs the root's global setup even where all tests belong to projects.
      // An external module is evaluated once a worker; without isolation, each file needs the setup file's hooks anew.
      const inline = [/@seedbed\/vitest\/dist\/setup\.js/]
      return { test: { globalSetup: [file('global-setup')], server: { deps: { inline } } } }
    },
    configureVitest({ project: { config } }: VitestPluginContext): void {
      if (config.browser.enabled) return
      if (config.runner) throw workerErrors.RUNNER_TAKEN({ runner: config.runner })
      config.runner = file('runner')
      // Projects of Vitest 5 do not inherit it, those of others have it twice.
      config.globalSetup = [...new Set([...config.globalSetup, file('global-setup')])]
      config.setupFiles = [setupFile, ...config.setupFiles]
      // In parallel, a setup file of the user's might open its pool before the URL is set.
      config.sequence.setupFiles = 'list'
    },
  }
}
