import type { Scope, WorkerScopes } from './scopes.js'

/** What runners take for a test: it may return a promise, call `done`, or be a generator of promises. */
type Body = (...all: never[]) => unknown

/**
 * Runs a test's body in its scope, for runners that do not say in time when a concurrent test begins.
 *
 * @throws what the body does, and `enter`
 * @example test.fn = () => within(scopes, { id: test, kind: 'test', name: test.name, concurrent: true }, body)
 */
export async function within(scopes: WorkerScopes, scope: Scope, body: Body): Promise<unknown> {
  await scopes.enter(scope)
  let failed = true
  try {
    const result = await run(body)
    failed = false
    return result
  } finally {
    await scopes.leave({ ...scope, failed })
  }
}

/**
 * The same, as a body to put in the place of another.
 *
 * @example test.fn = wrapped(scopes, () => scopeOf(test), test.fn)
 */
export function wrapped(scopes: WorkerScopes, scope: () => Scope, body: Body): () => Promise<unknown> {
  return () => within(scopes, scope(), body)
}

async function run(body: Body): Promise<unknown> {
  if (body.length > 0) {
    return new Promise<void>((resolve, reject) => {
      const done = (error?: Error | null) => (error ? reject(error) : resolve())
      Reflect.apply(body, undefined, [done])
    })
  }
  const result = await (Reflect.apply(body, undefined, []) as Promise<unknown>)
  if (!isIterator(result)) return result
  for (let step = result.next(); ; step = result.next(await step.value)) if (step.done) return step.value
}

function isIterator(value: unknown): value is Iterator<unknown, unknown> {
  return typeof (value as Iterator<unknown> | undefined)?.next === 'function'
}
