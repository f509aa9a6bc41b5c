import { createRequire } from 'node:module'
import type { ObjectExpression, ObjectProperty, Program } from '@babel/types'

/** A text to be put in at a place; nothing of the file is taken away. */
export interface Insertion {
  at: number
  text: string
}

/** A module of the project's: its text, and what that means. */
export interface Module {
  text: string
  program: Program
  /** Whether it is written with `import` and `export`. */
  isModule: boolean
}

/** Undefined where the text does not parse. */
export function parseModule(text: string): Module | undefined {
  // Only `init` needs it, and every other command would load it with the rest of core.
  const { parse } = createRequire(import.meta.url)('@babel/parser') as typeof import('@babel/parser')
  try {
    const plugins = ['typescript' as const, 'decorators' as const]
    const { program } = parse(text, { sourceType: 'unambiguous', allowReturnOutsideFunction: true, plugins })
    return { text, program, isModule: program.sourceType === 'module' }
  } catch {
    return undefined
  }
}

/**
 * The text with everything put in, line ends as the file has them. All else stays as it was, letter by letter.
 *
 * @returns undefined where what comes out does not parse: then it is not written
 */
export function insert({ text }: Pick<Module, 'text'>, insertions: Insertion[]): string | undefined {
  const eol = text.includes('\r\n') ? '\r\n' : '\n'
  const edited = insertions
    .toSorted((a, b) => b.at - a.at)
    .reduce((rest, { at, text: added }) => rest.slice(0, at) + added.replaceAll('\n', eol) + rest.slice(at), text)
  return parseModule(edited) && edited
}

/** Brings a default export of a package into a module, as the module brings in what it needs itself. */
export function importOf({ text, program, isModule }: Module, name: string, from: string): Insertion {
  const { quote, semicolon } = styleOf(text)
  const source = quote + from + quote
  const { body } = program
  if (!isModule) {
    const last = body.findLast(
      ({ type, start, end }) =>
        type === 'VariableDeclaration' && /^(const|let|var)\s[^]*?=\s*require\(/.test(text.slice(start!, end!)),
    )
    // What is only an ES module gives CommonJS its default export under that name.
    const line = `const { default: ${name} } = require(${source})${semicolon}`
    return last ? { at: last.end!, text: `\n${line}` } : { at: startOf({ text, program }), text: `${line}\n\n` }
  }
  const line = `import ${name} from ${source}${semicolon}`
  const last = body.findLast(({ type }) => type === 'ImportDeclaration')
  return last ? { at: last.end!, text: `\n${line}` } : { at: startOf({ text, program }), text: `${line}\n\n` }
}

/** As most of the file's texts are quoted, and its statements end. */
export function styleOf(text: string): { quote: string; semicolon: string } {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0
  return {
    quote: count(/"/g) > count(/'/g) ? '"' : "'",
    semicolon: count(/;\s*$/gm) > 0 ? ';' : '',
  }
}

/** Puts a property first in an object. */
export function firstProperty({ text }: Module, object: ObjectExpression, property: string): Insertion {
  const at = object.start! + 1
  const [first] = object.properties
  const inner = text.slice(at, first ? first.start! : object.end! - 1)
  if (!first) return { at, text: inner === '' ? ` ${property} ` : ` ${property},` }
  const ownLine = /\n([ \t]*)$/.exec(inner)
  if (ownLine) return { at, text: `\n${ownLine[1]}${property},` }
  return { at, text: ` ${property},${/^\s/.test(inner) ? '' : ' '}` }
}

/** An object's property by its name, and whether something behind it, or in its place, may say otherwise. */
export function propertyOf(
  object: ObjectExpression,
  name: string,
): { property: ObjectProperty | undefined; isCertain: boolean } {
  const named = object.properties.findLastIndex(
    each => each.type !== 'SpreadElement' && !each.computed && nameOfKey(each.key) === name,
  )
  const property = object.properties[named]
  const isCertain = object.properties
    .slice(named + 1)
    .every(each => each.type !== 'SpreadElement' && !(each.type === 'ObjectProperty' && each.computed))
  return {
    property: property?.type === 'ObjectProperty' ? property : undefined,
    isCertain: isCertain && property?.type !== 'ObjectMethod',
  }
}

function nameOfKey(key: { type: string; name?: unknown; value?: unknown }): unknown {
  return key.type === 'Identifier' ? key.name : key.type === 'StringLiteral' ? key.value : undefined
}

/** Behind the first line of a script (`#!`), a byte order mark and the directives; before the comments of what follows. */
function startOf({ text, program }: Pick<Module, 'text' | 'program'>): number {
  const directive = program.directives.at(-1)
  if (directive) return directive.end! + (/^[^\n]*\n/.exec(text.slice(directive.end!))?.[0].length ?? 0)
  if (program.interpreter) return program.interpreter.end! + 1
  return text.startsWith('\ufeff') ? 1 : 0
}
