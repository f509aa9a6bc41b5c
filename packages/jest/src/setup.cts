// Runs before each test file, in whatever environment, where the core's table of errors cannot be loaded.
const problem = process.env.SEEDBED_ENVIRONMENT_REPLACED ?? 'globalSetup and testEnvironment must be those of Seedbed'
const { [Symbol.for('seedbed.worker')]: handle } = globalThis as {
  [key: symbol]: { open(): Promise<void> } | undefined
}
if (!handle) throw new Error(problem)
export = handle.open // Jest waits for a function.
