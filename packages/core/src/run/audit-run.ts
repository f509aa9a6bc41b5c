import { openAudit, placeOf } from '@seedbed/environments'
import type { LoadedConfig } from '../config/load-config.js'
import type { TestEnvironment } from '../environment/test-environment.js'

/**
 * Notes in the audit log that tests run, and where. Only in a project whose config has other environments than test, or names the
 * log: who has nothing to confuse does not want a folder `.seedbed` in his repository for having run his tests.
 */
export function auditRun({ folder, config, testUrl, reason, input }: LoadedConfig & TestEnvironment): void {
  const hasOthers = Object.keys(config.environments ?? {}).some(name => name !== 'test')
  if (!hasOthers && config.audit === undefined) return
  openAudit({ ...input, folder }).tell({
    ...{ environment: 'test', tier: 'test', database: config.databases?.[0] ?? 'main' },
    ...{ place: testUrl && placeOf(testUrl), operation: 'select', decision: 'chosen', reason },
  })
}
