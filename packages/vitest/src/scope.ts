import type { Scope } from '@seedbed/core/scopes'
import type { RunnerTestCase, RunnerTestSuite } from 'vitest'

export function scopeOf(task: RunnerTestCase | RunnerTestSuite): Scope {
  const kind = task.type === 'test' ? 'test' : task.id === task.file.id ? 'file' : 'suite'
  const failed = task.type === 'test' && task.result?.state === 'fail' && !task.fails
  const again = (task.result?.retryCount ?? 0) < ((typeof task.retry === 'object' ? task.retry.count : task.retry) ?? 0)
  return { id: task, kind, name: task.name, concurrent: task.concurrent === true, failed: failed && !again }
}
