import type { Request } from '../wire/requests.js'
import type { Step } from './program.js'

/** A step as it can be pasted into counterexamples.test.ts. */
export function showStep(step: Step): string {
  const { client } = step
  if ('pipeline' in step) return `  { client: ${client}, pipeline: [${step.pipeline.map(showRequest).join(', ')}] },`
  const fields = Object.entries(step).map(([name, value]) => `${name}: ${literal(value)}`)
  return `  { ${fields.join(', ')} },`
}

function showRequest(request: Request): string {
  switch (request.send) {
    case 'parse':
      return call('parse', literal(request.text), request.statement && literal(request.statement))
    case 'bind': {
      const { portal, statement, values } = request
      const names = named({ portal, statement })
      return call('bind', (values.length > 0 || names) && literal(values), names)
    }
    case 'execute':
      return call('execute', named({ portal: request.portal, rows: request.rows }))
    case 'describe':
    case 'close':
      return call(request.send, literal(request.what), request.name && literal(request.name))
    case 'sync':
    case 'flush':
      return request.send
    default:
      return literal(request)
  }
}

function call(name: string, ...args: (string | false)[]): string {
  return `${name}(${args.filter(Boolean).join(', ')})`
}

/** Only what is said: neither empty names nor 0 rows. */
function named(fields: Record<string, string | number>): string | false {
  const said = Object.entries(fields).filter(([, value]) => value)
  return said.length > 0 && `{ ${said.map(([name, value]) => `${name}: ${literal(value)}`).join(', ')} }`
}

function literal(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  return value.includes("'") || value.includes('\n') ? `\`${value.replaceAll('\n', '\\n')}\`` : `'${value}'`
}
