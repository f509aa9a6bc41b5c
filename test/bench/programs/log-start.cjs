// Preloaded into every process that Vitest starts: notes when each worker was born, in milliseconds since 1970.
if (process.send) require('node:fs').appendFileSync(process.env.BENCH_STARTS, `${performance.timeOrigin}\n`)
