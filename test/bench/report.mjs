/**
 * One measured figure.
 *
 * @typedef {object} Figure
 * @property {string} name
 * @property {number} value
 * @property {string} unit `times`, `ms`, `round trips`
 * @property {{ below: number } | { atMost: number } | { atLeast: number }} [promise] none where the figure only explains others
 * @property {[number, number]} [spread] the quartiles
 * @property {number} [rounds]
 * @property {{ series: string, x: number, y: number }} [point] where it stands in the part's curve
 * @property {string} compared what stands behind it: `52 µs to 61 µs`
 */

/** Whether a figure keeps its promise; undefined if it has none. */
export function isMet({ value, promise }) {
  if (!promise) return undefined
  if ('atLeast' in promise) return value >= promise.atLeast
  return 'below' in promise ? value < promise.below : value <= promise.atMost
}

/** A part's figures for the terminal. */
export function terminalTable(figures) {
  const rows = figures.map(figure => cells(figure))
  const widths = [0, 1, 2, 3].map(column => Math.max(...rows.map(row => row[column].length)))
  return rows
    .map(row => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd())
    .join('\n')
}

/** A part's figures as a table of Markdown. */
export function markdownTable(figures) {
  const head = '| what | promise | measured | | quartiles, rounds | behind it |\n|---|---|---|---|---|---|\n'
  return (
    head +
    figures
      .map(figure => {
        const [name, promise, value, met, spread, compared] = cells(figure)
        return `| ${[name, promise, value, met, spread, compared].join(' | ')} |\n`
      })
      .join('')
  )
}

function cells(figure) {
  const { name, value, unit, promise, spread, rounds, compared } = figure
  const met = isMet(figure)
  return [
    name,
    promised(promise),
    `${number(value)} ${unit}`,
    met === undefined ? '' : met ? 'met' : 'NOT MET',
    spread ? `${number(spread[0])} to ${number(spread[1])}, ${rounds}` : '',
    compared,
  ]
}

function promised(promise) {
  if (!promise) return ''
  if ('atLeast' in promise) return `≥ ${promise.atLeast}`
  return 'below' in promise ? `< ${promise.below}` : `≤ ${promise.atMost}`
}

const number = value => (Number.isInteger(value) ? String(value) : value.toFixed(2))
