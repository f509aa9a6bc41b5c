import type { Config } from '@jest/types'
import preset = require('./jest-preset.cjs')

/**
 * Does what `preset: '@seedbed/jest'` does for a config that has another preset, or an environment, which ours then extends.
 *
 * @example module.exports = withSeedbed({ preset: 'ts-jest', testEnvironment: 'jsdom' })
 */
export = function withSeedbed<Given extends object>(config: Given): Given {
  const { rootDir = process.cwd(), preset: name, setupFiles = [], projects, ...rest }: Config.InitialOptions = config
  const file = name && (/^[./]/.test(name) ? name : `${name}/jest-preset`)
  const theirs: Config.InitialOptions = file ? require(require.resolve(file, { paths: [rootDir] })) : {}
  const environment = rest.testEnvironment ?? theirs.testEnvironment ?? 'node'
  return {
    ...preset,
    ...config,
    testEnvironment: preset.testEnvironment,
    testEnvironmentOptions: { environment, ...rest.testEnvironmentOptions },
    setupFiles: [...preset.setupFiles, ...setupFiles],
    // Projects inherit nothing; those that are paths have a config of their own.
    ...(projects && { projects: projects.map(each => (typeof each === 'string' ? each : withSeedbed(each))) }),
  }
}
