import type { Node, ObjectExpression } from '@babel/types'
import { firstProperty, importOf, insert, parseModule, propertyOf, type Insertion, type Module } from './edit-module.js'
import { exportedConfig, type ConfigPlace } from './exported-config.js'
import { nothing, type ByHand, type Changes } from './file-change.js'
import type { Project } from './read-project.js'

const plugin = '@seedbed/vitest/plugin'
const transparent = /^(defineConfig|defineProject|mergeConfig)$/

/** The one line in Vitest's config: an existing one gets the plugin where it has its plugins, else one is made. */
export function planVitestConfig(project: Project): Changes {
  const { files } = project
  const workspace = files.find(file => file.startsWith('vitest.workspace.'))
  const path =
    files.find(file => /^vitest\.config\.[mc]?[jt]s$/.test(file)) ??
    files.find(file => /^vite\.config\.[mc]?[jt]s$/.test(file))
  if (path === undefined && workspace === undefined) return { files: [newConfig(project)], byHand: [] }
  const text = project.read(path ?? workspace!)!
  if (path === undefined) return { files: [], byHand: text.includes(plugin) ? [] : [inEachProject(workspace!)] }
  const module = parseModule(text)
  if (!module) return byHand(path, 'it does not parse')
  const others = workspace === undefined ? otherConfigs(path, module) : [inEachProject(workspace)]
  if (text.includes(plugin)) return nothing
  const insertions = pluginsOf(module)
  if (typeof insertions === 'string') return byHand(path, insertions)
  const after = insert(module, [importOf(module, 'seedbed', plugin), ...insertions])
  if (after === undefined) return byHand(path, 'what would be written does not parse')
  return { files: [{ path, before: text, after }], byHand: others }
}

function newConfig({ isTypeScript, compilesAll, isModule }: Project) {
  const ending = isTypeScript && !compilesAll ? 'ts' : 'js'
  return {
    // Without "type": "module" Vite warns of a .ts or .js that has `import`.
    path: `vitest.config.${isModule ? '' : 'm'}${ending}`,
    before: null,
    after: `import { defineConfig } from 'vitest/config'
import seedbed from '${plugin}'

export default defineConfig({ plugins: [seedbed()] })
`,
  }
}

/** What to put where, or why that cannot be said. */
function pluginsOf(module: Module): Insertion[] | string {
  const places = exportedConfig(module, transparent)
  if (!places || places.length === 0) return 'what it exports is not an object that can be seen there'
  if (places.some(({ isChanged }) => isChanged)) return 'its config is changed after it was made'
  return combined(
    uniqueObjects(places).flatMap(object => [pluginIn(module, object), ...inlineProjects(module, object)]),
  )
}

/** A function may return one object from several places. */
function uniqueObjects(places: ConfigPlace[]): ObjectExpression[] {
  return [...new Set(places.map(({ object }) => object))]
}

function combined(parts: (Insertion[] | string)[]): Insertion[] | string {
  return parts.find(part => typeof part === 'string') ?? (parts as Insertion[][]).flat()
}

function pluginIn(module: Module, object: ObjectExpression): Insertion[] | string {
  const { property, isCertain } = propertyOf(object, 'plugins')
  if (!isCertain) return 'it takes in another config, whose plugins cannot be seen there'
  if (!property) return [firstProperty(module, object, 'plugins: [seedbed()]')]
  if (property.shorthand) return [{ at: property.end!, text: ': [plugins, seedbed()]' }]
  const { value } = property
  if (value.type !== 'ArrayExpression') {
    // Vite takes lists in lists.
    return [
      { at: value.start!, text: '[' },
      { at: value.end!, text: ', seedbed()]' },
    ]
  }
  const last = value.elements.at(-1)
  if (!last) return [{ at: value.start! + 1, text: 'seedbed()' }]
  const lineStart = module.text.lastIndexOf('\n', last.start!) + 1
  const indent = module.text.slice(lineStart, last.start!)
  return [
    {
      at: last.end!,
      text: /^[ \t]+$/.test(indent) && lineStart > value.start! ? `,\n${indent}seedbed()` : ', seedbed()',
    },
  ]
}

/** Projects that stand in the config itself inherit its plugins only if they say so. */
function inlineProjects(module: Module, config: ObjectExpression): (Insertion[] | string)[] {
  const { elements } = projectsOf(config)
  return elements.map(each => {
    const object = objectOf(each)
    if (!object) return isText(each) ? [] : 'not all of test.projects stand there as objects'
    const { property } = propertyOf(object, 'extends')
    if (!property) return pluginIn(module, object)
    if (property.value.type === 'BooleanLiteral') return property.value.value ? [] : pluginIn(module, object)
    return 'a project extends another file, whose plugins cannot be seen there'
  })
}

function projectsOf(config: ObjectExpression): { elements: Node[] } {
  const { property: test } = propertyOf(config, 'test')
  if (test?.value.type !== 'ObjectExpression') return { elements: [] }
  // Vitest 3 knows both names.
  const property = propertyOf(test.value, 'projects').property ?? propertyOf(test.value, 'workspace').property
  if (!property) return { elements: [] }
  return {
    elements:
      property.value.type === 'ArrayExpression'
        ? property.value.elements.filter(each => each !== null)
        : [property.value],
  }
}

function objectOf(node: Node): ObjectExpression | undefined {
  if (node.type === 'ObjectExpression') return node
  const [first] = node.type === 'CallExpression' ? node.arguments : []
  return first?.type === 'ObjectExpression' ? first : undefined
}

function isText(node: Node): boolean {
  return node.type === 'StringLiteral' || node.type === 'TemplateLiteral'
}

/** Projects that are paths have configs of their own, each in a package or folder of its own. */
function otherConfigs(path: string, module: Module): ByHand[] {
  const places = exportedConfig(module, transparent) ?? []
  const texts = uniqueObjects(places).flatMap(config => projectsOf(config).elements.filter(isText))
  return texts.length === 0
    ? []
    : [
        inEachProject(
          path,
          texts.map(({ start, end }) => module.text.slice(start!, end!)),
        ),
      ]
}

function inEachProject(path: string, projects: string[] = []): ByHand {
  return {
    path,
    why: `the projects ${projects.join(', ')}${projects.length > 0 ? ' ' : ''}have configs of their own, and each whose tests use the database needs the plugin in its own`,
    lines: linesToAdd,
  }
}

const linesToAdd = [`import seedbed from '${plugin}'`, 'plugins: [seedbed()]']

function byHand(path: string, why: string): Changes {
  return { files: [], byHand: [{ path, why, lines: linesToAdd }] }
}
