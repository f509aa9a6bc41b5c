import type { Scope } from '@seedbed/core/scopes'
import type { RunnerTestCase, RunnerTestSuite } from 'vitest'

export function scopeOf(task: RunnerTestCase | RunnerTestSuite): Scope {
  const kind = task.type === 'test' ? 'test' : task.id === task.file.id ? 'file' : 'suite'
  const failed = task.type === 'test' && task.result?.state === 'fail' && !task.fails
  return { id: task.id, kind, name: task.name, concurrent: task.concurrent === true, failed }
}
