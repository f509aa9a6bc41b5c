import type { Expression, Node, ObjectExpression, Statement } from '@babel/types'
import type { Module } from './edit-module.js'

/** A place where a config comes from: what is exported or returned there, and the object that it stands for. */
export interface ConfigPlace {
  expression: Expression
  object: ObjectExpression
  /** Whether the object is changed after it was made, so that it does not say all. */
  isChanged: boolean
}

/**
 * Finds the objects that a module exports as its config, through what people write around them: `defineConfig`, a function, a
 * variable, a type.
 *
 * @param through functions, by their source, that give back the config that they get; of several that they merge, the last that can be
 *   seen is the one to write to
 * @returns null where one of them cannot be found: then nobody can say what the config is
 * @example exportedConfig(parseModule('export default defineConfig({ test: {} })')!, /^defineConfig$/) // [{ expression, object, … }]
 */
export function exportedConfig(module: Module, through: RegExp): ConfigPlace[] | null {
  const exported = exportOf(module.program.body)
  if (!exported) return null
  return placesOf(exported, exported, module.program.body)

  function placesOf(node: Node, expression: Expression, scope: Statement[]): ConfigPlace[] | null {
    switch (node.type) {
      case 'ObjectExpression':
        return [{ expression, object: node, isChanged: false }]
      case 'TSAsExpression':
      case 'TSSatisfiesExpression':
      case 'ParenthesizedExpression':
      case 'AwaitExpression':
        return placesOf('expression' in node ? node.expression : node.argument, expression, scope)
      case 'Identifier':
        return placesOfVariable(node.name, expression, scope)
      case 'ArrowFunctionExpression':
      case 'FunctionExpression':
      case 'FunctionDeclaration':
        return placesOfFunction(node, scope)
      case 'CallExpression':
        return through.test(module.text.slice(node.callee.start!, node.callee.end!))
          ? placesOfLast(node.arguments, scope)
          : null
      default:
        return null
    }
  }

  function placesOfVariable(name: string, expression: Expression, scope: Statement[]): ConfigPlace[] | null {
    const value = declared(name, scope)
    const places = value && placesOf(value, expression, scope)
    if (!places) return null
    // Whatever is done with one of its properties might change it.
    const isChanged = new RegExp(
      `\\b${escapeName(name)}\\s*(\\.|\\[)|Object\\.assign\\(\\s*${escapeName(name)}\\b`,
    ).test(module.text)
    return places.map(place => ({ ...place, isChanged: place.isChanged || isChanged }))
  }

  function placesOfFunction({ body }: { body: Node }, scope: Statement[]): ConfigPlace[] | null {
    if (body.type !== 'BlockStatement') return placesOf(body, body as Expression, scope)
    const inner = [...scope, ...body.body]
    const returned = returnsIn(body.body)
    if (returned.length === 0) return null
    const places = returned.map(each => each && placesOf(each, each, inner))
    return places.every(each => each !== null) ? places.flat() : null
  }

  function placesOfLast(args: Node[], scope: Statement[]): ConfigPlace[] | null {
    for (const each of args.toReversed()) {
      const places = placesOf(each, each as Expression, scope)
      if (places) return places
    }
    return null
  }
}

function exportOf(body: Statement[]): Expression | undefined {
  for (const statement of body) {
    if (statement.type === 'ExportDefaultDeclaration') return statement.declaration as Expression
    if (statement.type === 'TSExportAssignment') return statement.expression
    if (statement.type !== 'ExpressionStatement' || statement.expression.type !== 'AssignmentExpression') continue
    const { left, right } = statement.expression
    if (left.type !== 'MemberExpression' || left.object.type !== 'Identifier' || left.object.name !== 'module') continue
    if (left.property.type === 'Identifier' && left.property.name === 'exports') return right
  }
  return undefined
}

function declared(name: string, scope: Statement[]): Node | undefined {
  for (const statement of scope) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declaration?.type === 'FunctionDeclaration' && declaration.id?.name === name) return declaration
    if (declaration?.type !== 'VariableDeclaration' || declaration.kind !== 'const') continue
    const found = declaration.declarations.find(({ id }) => id.type === 'Identifier' && id.name === name)
    if (found?.init) return found.init
  }
  return undefined
}

/** What a function's statements return, those inside of ifs and blocks too; null for a return of nothing. */
function returnsIn(statements: Statement[]): (Expression | null)[] {
  return statements.flatMap((statement): (Expression | null)[] => {
    switch (statement.type) {
      case 'ReturnStatement':
        return [statement.argument ?? null]
      case 'BlockStatement':
        return returnsIn(statement.body)
      case 'IfStatement':
        return returnsIn([statement.consequent, ...(statement.alternate ? [statement.alternate] : [])])
      case 'TryStatement':
        return returnsIn([statement.block, ...(statement.handler ? [statement.handler.body] : [])])
      case 'SwitchStatement':
        return returnsIn(statement.cases.flatMap(each => each.consequent))
      default:
        return []
    }
  })
}

function escapeName(name: string): string {
  return name.replaceAll('$', '\\$')
}
