/**
 * Vitest by its API, in the suite that is its folder: runs the test file that it is told, and answers with the milliseconds that
 * this took here. So two suites can be measured file by file, each as one run.
 */
import { createVitest } from 'vitest/node'

const vitest = await createVitest('test', { watch: false, maxWorkers: 1, reporters: [{}] })
const specifications = await vitest.globTestSpecifications()
process.on('message', message => void run(message))
process.once('disconnect', () => void vitest.close())
process.send('ready')

async function run({ file, tests }) {
  const specification = specifications.find(({ moduleId }) => moduleId.endsWith(`/${file}`))
  const begin = performance.now()
  const { unhandledErrors } = await vitest.runTestSpecifications([specification])
  const took = performance.now() - begin
  const passed = [...(specification.testModule?.children.allTests('passed') ?? [])].length
  if (passed !== tests) throw new Error(`${passed} of ${tests} tests passed\n${JSON.stringify(unhandledErrors)}`)
  process.send(took)
}
