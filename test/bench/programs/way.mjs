// A process that isolates tests in one way: node way.mjs <way> <setup as JSON>. Told { body, tests } it runs that many
// tests with that body, and answers with the mean microseconds of entering, body and leaving.
import { bodies } from './bodies.mjs'

const [, , name, setup] = process.argv
const { open } = await import(`./ways/${name}.mjs`)
const way = await open(JSON.parse(setup))

process.on('message', message => void answer(message))
process.on('disconnect', () => process.exit())
process.send('open')

async function answer({ body, tests }) {
  const run = bodies[body]
  let enter = 0
  let inside = 0
  let leave = 0
  for (let test = 0; test < tests; test++) {
    const begin = performance.now()
    await way.enter()
    const entered = performance.now()
    await run(way.db())
    const done = performance.now()
    await way.leave()
    const left = performance.now()
    enter += entered - begin
    inside += done - entered
    leave += left - done
  }
  const each = milliseconds => (milliseconds * 1000) / tests
  process.send({ enter: each(enter), body: each(inside), leave: each(leave) })
}
