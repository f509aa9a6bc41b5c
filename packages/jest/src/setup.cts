// Runs before each test file, in whatever environment, where the core's table of errors cannot be loaded.
const { SEEDBED_ENVIRONMENT_REPLACED: problem = 'testEnvironment must be that of Seedbed' } = process.env
const { [Symbol.for('seedbed.worker')]: handle } = globalThis as {
  [key: symbol]: { open(): Promise<void> } | undefined
}
if (!handle) throw new Error(problem)
export = handle.open // Jest waits for a function.
