const size = { width: 720, height: 400, left: 60, right: 130, top: 20, bottom: 50 }
// Told apart by those who see no red and green, too.
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7']

/**
 * Draws figures that have a point, both axes logarithmic: a line for each series.
 *
 * @param {import('./report.mjs').Figure[]} figures
 * @returns {string | undefined} SVG; undefined if none has a point
 */
export function curve(figures) {
  const points = figures.flatMap(({ point }) => point ?? [])
  if (points.length === 0) return undefined
  const [x, y] = ['x', 'y'].map(axis => decades(points.map(point => point[axis])))
  const at = {
    x: value => size.left + share(value, x) * (size.width - size.left - size.right),
    y: value => size.height - size.bottom - share(value, y) * (size.height - size.top - size.bottom),
  }
  const series = [...groups(points)]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    ...ticks(x).map(value => line(at.x(value), at.y(y.from), at.x(value), at.y(y.to))),
    ...ticks(y).map(value => line(at.x(x.from), at.y(value), at.x(x.to), at.y(value))),
    ...ticks(x).map(value => text(at.x(value), size.height - 30, value.toLocaleString('en'), 'middle')),
    ...ticks(y).map(value => text(size.left - 8, at.y(value) + 4, value.toLocaleString('en'), 'end')),
    text((size.width - size.right + size.left) / 2, size.height - 10, 'rows of all tables', 'middle'),
    text(16, size.top - 8, 'ms', 'start'),
    ...series.flatMap(([name, members], index) => drawn(name, members, colours[index % colours.length], at)),
    '</svg>\n',
  ].join('\n')
}

function drawn(name, points, colour, at) {
  const places = points.toSorted((a, b) => a.x - b.x).map(({ x, y }) => [at.x(x).toFixed(1), at.y(y).toFixed(1)])
  const [endX, endY] = places.at(-1)
  return [
    `<polyline points="${places.map(place => place.join()).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}"/>`),
    text(Number(endX) + 10, Number(endY) + 4, name, 'start', colour),
  ]
}

function groups(points) {
  const known = new Map()
  for (const point of points) known.set(point.series, [...(known.get(point.series) ?? []), point])
  return known
}

/** The powers of ten around numbers. */
function decades(numbers) {
  return {
    from: 10 ** Math.floor(Math.log10(Math.min(...numbers))),
    to: 10 ** Math.ceil(Math.log10(Math.max(...numbers))),
  }
}

function ticks({ from, to }) {
  const count = Math.round(Math.log10(to / from))
  return Array.from({ length: count + 1 }, (_, index) => Number((from * 10 ** index).toPrecision(1)))
}

const share = (value, { from, to }) => Math.log10(value / from) / Math.log10(to / from)
const line = (x1, y1, x2, y2) => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#ddd"/>`
const text = (x, y, words, anchor, colour = '#333') =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${colour}">${words}</text>`
