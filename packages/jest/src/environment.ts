import { createRequire } from 'node:module'
import { relative } from 'node:path'
import type { EnvironmentContext, JestEnvironment, JestEnvironmentConfig } from '@jest/environment'
import type { Circus } from '@jest/types'
import { openScopes, type Scope, type WorkerScopes } from '@seedbed/core/scopes'
import { enterAlone, handTo, runOf, wrapped } from '@seedbed/core/worker'

type Environment = Pick<JestEnvironment, 'global'> & { handleTestEvent?(...all: unknown[]): Promise<void> | void }
type Base = new (config: JestEnvironmentConfig, context: EnvironmentContext) => Environment

/** Extends the environment that `testEnvironmentOptions.environment` names: `node` unless it says otherwise. */
export default function SeedbedEnvironment(config: JestEnvironmentConfig, context: EnvironmentContext): object {
  return new (withScopes(baseOf(config.projectConfig)))(config, context)
}

/** Jest makes one for each test file; what connects lives in the worker, from file to file. */
const withScopes = (Base: Base) =>
  class extends Base {
    private scopes!: WorkerScopes
    private readonly file: Scope
    private block!: Circus.DescribeBlock // That is being read.
    constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
      super(config, context)
      const { rootDir } = config.projectConfig
      this.file = { id: context.testPath, kind: 'file', name: relative(rootDir, context.testPath) }
      handTo(this.global, { open: () => this.open(rootDir) })
    }

    /** Called by our setup file: the config's come next, and only then `setup()`. */
    private async open(rootDir: string): Promise<void> {
      // A test file's process.env is a copy of the worker's, which is what a child process inherits.
      const environments = [this.global.process.env, process.env]
      const blocks = () => ({ block: this.block.parent && this.block, entries: this.block.children })
      this.scopes = await openScopes(await runOf(rootDir), Number(process.env.JEST_WORKER_ID), { environments, blocks })
    }

    override async handleTestEvent(event: Circus.AsyncEvent, state: Circus.State): Promise<void> {
      this.block = state.currentDescribeBlock
      await super.handleTestEvent?.(event, state)
      if (event.name === 'run_start') this.wrapConcurrent(state.rootDescribeBlock)
      if (event.name === 'run_describe_start') await enterAlone(this.scopes, this.scopeOf(event.describeBlock))
      if (event.name === 'test_started' && !event.test.concurrent)
        await enterAlone(this.scopes, this.scopeOf(event.test)).catch(error => event.test.errors.push(error)) // No body runs.
      if (event.name === 'test_done') await this.scopes.leave(this.scopeOf(event.test))
      if (event.name === 'run_describe_finish') await this.scopes.leave(this.scopeOf(event.describeBlock))
    }

    /** Before 30.2 Jest runs the body of a concurrent test first, and says later that the test has started. */
    private wrapConcurrent({ children }: Circus.DescribeBlock): void {
      for (const child of children) {
        if (child.type === 'describeBlock') this.wrapConcurrent(child)
        else if (child.concurrent && child.fn) child.fn = wrapped(this.scopes, () => this.scopeOf(child), child.fn)
      }
    }

    private scopeOf(entry: Circus.DescribeBlock | Circus.TestEntry): Scope {
      const { name, type, parent } = entry
      if (type === 'describeBlock') return parent ? { id: entry, kind: 'suite', name } : this.file
      const retries = Number(this.global[Symbol.for('RETRY_TIMES') as never] ?? 0)
      const failed = entry.errors.length > 0 && entry.invocations > retries
      return { id: entry, kind: 'test', name, concurrent: entry.concurrent, failed }
    }
  }

function baseOf({ rootDir, runner, testEnvironmentOptions }: JestEnvironmentConfig['projectConfig']): Base {
  const { environment: testEnvironment = 'node' } = testEnvironmentOptions
  const require = createRequire(runner)
  const { resolve: requireResolveFunction } = require
  const found = require('jest-resolve').resolveTestEnvironment({ rootDir, testEnvironment, requireResolveFunction })
  const { default: byDefault, TestEnvironment = byDefault } = require(found)
  return TestEnvironment
}
