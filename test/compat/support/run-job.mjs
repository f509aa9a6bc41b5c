// Runs one job in a process of its own. Tells `scripts/compat.mjs` how it went: exit code 0, 1, or 77 with a reason.
import { Skip } from './run.mjs'

const { default: job } = await import(`../${process.argv[2]}/job.mjs`)
try {
  await job()
} catch (error) {
  if (error instanceof Skip) {
    console.log(`skipped: ${error.message}`)
    process.exitCode = 77
  } else {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
