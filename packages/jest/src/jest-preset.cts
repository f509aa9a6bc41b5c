import { join } from 'node:path'

export = {
  globalSetup: join(__dirname, 'global-setup.js'),
  globalTeardown: join(__dirname, 'global-teardown.js'),
  testEnvironment: join(__dirname, 'environment.js'),
  setupFiles: [join(__dirname, 'setup.cjs')], // Of these the only one that a config's own does not replace.
}
