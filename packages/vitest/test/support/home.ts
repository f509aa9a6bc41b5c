import { mkdtemp, chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** One SEEDBED_HOME for all projects of this suite, so that initdb runs once. */
export default async function setup(): Promise<() => Promise<void>> {
  const home = await mkdtemp(join('/tmp', 'seedbed-home-'))
  await chmod(home, 0o755)
  process.env.SEEDBED_HOME = home
  return () => rm(home, { recursive: true, force: true })
}
