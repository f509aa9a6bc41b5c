import type { Scope } from '@seedbed/core/scopes'
import type { RunnerTestCase, RunnerTestSuite } from 'vitest'

export function scopeOf(task: RunnerTestCase | RunnerTestSuite): Scope {
  const kind = task.type === 'test' ? 'test' : task.id === task.file.id ? 'file' : 'suite'
  return { id: task.id, kind, name: task.name, concurrent: task.concurrent === true }
}
