import { inspect } from 'node:util'
import { labelErrors } from './label-errors.js'
import { nearest } from './nearest.js'
import type { SeedLabels } from './seed-labels.js'
import type { LabelledRows } from './seed-types.js'

/**
 * Makes the `seeds` object of a worker. A row is parsed when it is first looked at, by the same parsers as a query's
 * rows, so that it equals what a query answers.
 *
 * @param getTypeParser that of `pg.types`
 * @throws SEED_UNKNOWN_LABEL where a table or label is read that is not there
 * @example readLabels(labels, pg.types.getTypeParser).users.ada.id
 */
export function readLabels({ tables }: SeedLabels, getTypeParser: GetTypeParser): LabelledRows {
  return namedRows(
    new Map(
      Object.entries(tables).map(([name, { columns, rows }]) => {
        const parse = (texts: (string | null)[]) =>
          Object.fromEntries(
            columns.map(({ name, type }, index) => {
              const text = texts[index]!
              return [name, text === null ? null : getTypeParser(type, 'text')(text)]
            }),
          )
        return [name, new Map(Object.entries(rows).map(([label, texts]) => [label, () => parse(texts)]))]
      }),
    ),
  )
}

type GetTypeParser = (type: number, format: 'text') => (text: string) => unknown

/**
 * Rows by table and label, each made when it is first looked at.
 *
 * @example namedRows(new Map([['users', new Map([['ada', () => ({ id: 1 })]])]])).users.ada.id // 1
 */
export function namedRows(tables: Map<string, Map<string, () => object>>): LabelledRows {
  return strictly([...tables.keys()], undefined, table =>
    strictly([...tables.get(table)!.keys()], table, label => Object.freeze(tables.get(table)!.get(label)!())),
  )
}

/**
 * An object with lazily made members that throws for any other name. Not for all: runners, assertions, `await` and
 * JSON.stringify ask objects for names of their own to find out what they are.
 */
function strictly(names: readonly string[], table: string | undefined, make: (name: string) => object) {
  const made = new Map<string, object>()
  const member = (name: string) => {
    const value = made.get(name) ?? make(name)
    made.set(name, value)
    return value
  }
  const members = {}
  for (const name of names) Object.defineProperty(members, name, { enumerable: true, get: () => member(name) })
  // Node prints what is behind a proxy, and of a getter only that it is one.
  Object.defineProperty(members, inspect.custom, {
    value: () => Object.fromEntries(names.map(name => [name, member(name)])),
  })
  return new Proxy(Object.freeze(members), {
    get(target, name): unknown {
      if (typeof name === 'symbol' || name in target || isProbe(name)) return Reflect.get(target, name)
      throw labelErrors.SEED_UNKNOWN_LABEL({ table, name, near: nearest(name, names), names })
    },
  })
}

const probes = new Set(['then', 'toJSON', 'asymmetricMatch', 'nodeType', 'tagName', 'inspect', 'length', 'size'])

/** `$$typeof` of React, `@@__IMMUTABLE_…` of Immutable, `_isMockFunction` and `__esModule` of runners, and so on. */
function isProbe(name: string): boolean {
  return probes.has(name) || /^(\$\$|@@|_)/.test(name)
}
