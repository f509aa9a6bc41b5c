/**
 * A JavaScript value as the JSON that reaches the server, where the column's type reads it: `JSON.stringify`, and what
 * it would lose. Undefined for `undefined`, which leaves a column out. Throws a TypeError for what is no value.
 *
 * @example jsonOfValue({ id: 12345678901234567890n, at: new Date(0) }) // '{"id":12345678901234567890,"at":"1970-01-01T00:00:00.000Z"}'
 */
export function jsonOfValue(value: unknown): string | undefined {
  switch (typeof value) {
    case 'undefined':
      return undefined
    case 'bigint':
      return String(value)
    case 'number':
      // JSON has no NaN; as a string every numeric type of PostgreSQL that knows it reads it
      if (!Number.isFinite(value)) return `"${value}"`
      return Object.is(value, -0) ? '-0' : String(value)
    case 'string':
    case 'boolean':
      return JSON.stringify(value)
    case 'object':
      return value === null ? 'null' : jsonOfObject(value)
    default:
      throw new TypeError(`a ${typeof value} cannot be put into a database`)
  }
}

function jsonOfObject(value: object): string | undefined {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new TypeError('an invalid Date cannot be put into a database')
    return JSON.stringify(value)
  }
  if (value instanceof Uint8Array) return `"\\\\x${Buffer.from(value).toString('hex')}"`
  if (Array.isArray(value)) return `[${value.map(element => jsonOfValue(element) ?? 'null').join(',')}]`
  // pg's own convention for values that know their text, as its intervals do
  if ('toPostgres' in value && typeof value.toPostgres === 'function') return jsonOfValue(value.toPostgres())
  if ('toJSON' in value && typeof value.toJSON === 'function') return jsonOfValue(value.toJSON())
  const entries = Object.entries(value).flatMap(([name, member]) => {
    const json = jsonOfValue(member)
    return json === undefined ? [] : [`${JSON.stringify(name)}:${json}`]
  })
  return `{${entries.join(',')}}`
}
