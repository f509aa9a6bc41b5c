import { stopUnused, type ClusterOptions } from './embedded.js'

// A process of its own, behind a run that has ended without giving its server up: see stop-behind.ts. Nobody hears what it says, and the
// next run tries what has failed here.
stopUnused(JSON.parse(process.argv[2]!) as ClusterOptions).catch(() => (process.exitCode = 1))
