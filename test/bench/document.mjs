import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/workspaces.mjs'
import { curve } from './curve.mjs'
import { markdownTable } from './report.mjs'

const folder = join(root, 'docs')
const path = join(folder, 'benchmarks.md')

/**
 * Writes what was measured of one part into docs/benchmarks.md, in place of what it says of it so far: each part says itself when and
 * where it was measured, so that none needs all the others.
 *
 * @param {string[]} titles of all parts, in the order in which they stand
 * @param {{ name: string, part: { title: string, how: string }, figures: import('./report.mjs').Figure[], machine: string[] }} measured
 */
export function writeSection(titles, { name, part, figures, machine }) {
  const drawn = curve(figures)
  if (drawn) writeFileSync(join(folder, `${name}.svg`), drawn)
  const sections = new Map(
    readFileSync(path, 'utf8')
      .split(/^(?=## )/m)
      .slice(1)
      .map(section => [section.slice(3, section.indexOf('\n')), section.trimEnd()]),
  )
  const day = new Date().toISOString().slice(0, 10)
  sections.set(
    part.title,
    [
      `## ${part.title}`,
      part.how,
      markdownTable(figures).trimEnd(),
      ...(drawn
        ? [`![${part.title}: milliseconds by the number of rows, for each number of tables](${name}.svg)`]
        : []),
      `\`npm run bench -- --write ${name}\`, ${day}: ${machine.join('; ')}`,
    ].join('\n\n'),
  )
  const written = titles.flatMap(title => sections.get(title) ?? [])
  writeFileSync(path, `${[head, ...written].join('\n\n')}\n`)
}

const head = `# Benchmarks

Written by \`npm run bench -- --write\`; changes by hand are lost.

Every figure is a ratio or a difference of things that were measured in turns in one run: the median of the rounds' own, with their quartiles. Milliseconds belong to the machine that a part was measured on. A promise counts as broken, and the command ends with exit code 1, if it is missed in two measurements of its part, one after the other.`
