import type { Scope } from '@seedbed/core/worker'
import type { RunnerTestCase, RunnerTestSuite } from 'vitest'

const scopes = new WeakMap<RunnerTestCase | RunnerTestSuite, Scope>()

/** A task of Vitest's as a scope; the same object for the same task. */
export function scopeOf(task: RunnerTestCase | RunnerTestSuite): Scope {
  const known = scopes.get(task)
  if (known) return known
  const kind = task.type === 'test' ? 'test' : task.file === (task as unknown) ? 'file' : 'suite'
  const scope: Scope = { kind, name: task.name, concurrent: task.concurrent === true }
  scopes.set(task, scope)
  return scope
}
