import { mkdtemp, chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { roomyFolder } from '@seedbed/postgres-for-tests'

/** One SEEDBED_HOME for all projects of this suite, so that initdb runs once. */
export default async function setup(): Promise<() => Promise<void>> {
  const home = await mkdtemp(join(await roomyFolder(), 'seedbed-home-'))
  await chmod(home, 0o755)
  process.env.SEEDBED_HOME = home
  return () => rm(home, { recursive: true, force: true })
}
