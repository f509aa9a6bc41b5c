import { openWorker } from '@seedbed/core/worker'

/** What the adapters do: one file, and a scope for each test. */
export async function open({ handle, slot }) {
  const worker = await openWorker(handle, slot)
  await worker.enter({ kind: 'file', name: 'a.test.ts' })
  let test
  return {
    enter: () => worker.enter((test = { kind: 'test', name: 'a test' })),
    db: () => worker.dbOf(test),
    leave: () => worker.leave(test),
  }
}
