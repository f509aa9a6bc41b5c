import { join } from 'node:path'
import { findNodeAtLocation, getNodeValue, parseTree, type Node } from 'jsonc-parser'
import { valueText, withFirst, withoutProperty } from './edit-json.js'
import {
  firstProperty,
  importOf,
  insert,
  parseModule,
  propertyOf,
  styleOf,
  type Insertion,
  type Module,
} from './edit-module.js'
import { exportedConfig, type ConfigPlace } from './exported-config.js'
import { type ByHand, type Changes, type FileChange } from './file-change.js'
import type { Project } from './read-project.js'
import { textOf } from './text-of.js'

const preset = '@seedbed/jest'
const wrapper = '@seedbed/jest/with-seedbed'

/** What stands in the place of something that Seedbed's preset brings, so that the preset alone would not do. */
const taken = ['preset', 'testEnvironment', 'globalSetup', 'projects']

/** The one line in Jest's config: the preset, or `withSeedbed` around a config that has one; without a config a new one. */
export function planJestConfig(project: Project): Changes {
  const { files, manifest } = project
  const own = files.filter(file => /^jest\.config\.([mc]?[jt]s|json)$/.test(file))
  const configs = [...own, ...(manifest.jest === undefined ? [] : ['package.json'])]
  const [path = 'package.json'] = configs
  if (configs.length > 1)
    return halfMoved(project) ?? byHand(path, `Jest has several configs here, ${configs.join(' and ')}`)
  const text = project.read(path)!
  if (path === 'package.json' && manifest.jest === undefined) return { files: [newConfig(project)], byHand: [] }
  if (path.endsWith('.json')) return planJson(project, path, text)
  return planModule(project, path, text)
}

function newConfig({ isModule }: Project): FileChange {
  return { path: 'jest.config.js', before: null, after: `${exporting(isModule)}{ preset: '${preset}' }\n` }
}

const exporting = (isModule: boolean) => (isModule ? 'export default ' : 'module.exports = ')

function planModule(project: Project, path: string, text: string): Changes {
  const module = parseModule(text)
  if (!module) return byHand(path, 'it does not parse')
  const places = exportedConfig(module, /seedbed/i)
  const setups = (places ?? []).flatMap(({ object }) => {
    const { property } = propertyOf(object, 'globalSetup')
    return property?.value.type === 'StringLiteral' ? ownGlobalSetup(project, property.value.value) : []
  })
  if (text.includes(preset)) return { files: [], byHand: setups }
  if (!places || places.length === 0) return byHand(path, 'what it exports is not an object that can be seen there')
  const isFree = places.every(place => !place.isChanged && isPresetFree(place))
  const after = insert(module, isFree ? presetIn(module, places) : wrapped(module, places))
  if (after === undefined) return byHand(path, 'what would be written does not parse')
  return { files: [{ path, before: text, after }], byHand: setups }
}

function isPresetFree({ object }: ConfigPlace): boolean {
  return taken.every(name => {
    const { property, isCertain } = propertyOf(object, name)
    return !property && isCertain
  })
}

function presetIn(module: Module, places: ConfigPlace[]): Insertion[] {
  const { quote } = styleOf(module.text)
  const objects = [...new Set(places.map(({ object }) => object))]
  return objects.map(object => firstProperty(module, object, `preset: ${quote}${preset}${quote}`))
}

function wrapped(module: Module, places: ConfigPlace[]): Insertion[] {
  const { quote } = styleOf(module.text)
  const call = module.isModule ? 'withSeedbed' : `require(${quote}${wrapper}${quote})`
  const around = [...new Set(places.map(({ expression }) => expression))].flatMap(({ start, end }) => [
    { at: start!, text: `${call}(` },
    { at: end!, text: ')' },
  ])
  return module.isModule ? [importOf(module, 'withSeedbed', wrapper), ...around] : around
}

function planJson(project: Project, path: string, text: string): Changes {
  const tree = parseTree(text)
  const at = path === 'package.json' ? ['jest'] : []
  const node = tree && findNodeAtLocation(tree, at)
  if (node?.type !== 'object') return byHand(path, "Jest's config is not an object there")
  const config = getNodeValue(node) as Record<string, unknown>
  const setup = typeof config.globalSetup === 'string' ? ownGlobalSetup(project, config.globalSetup) : []
  if (JSON.stringify(config).includes(preset)) return { files: [], byHand: setup }
  if (taken.every(name => !(name in config))) {
    const after = withFirst(text, node, `"preset": "${preset}"`)
    return { files: [{ path, before: text, after }], byHand: setup }
  }
  if (path !== 'package.json') return byHand(path, 'JSON has no room for a function; as jest.config.js it has')
  return { files: moved(project, text, node), byHand: setup }
}

/** JSON has no room for a function: what package.json says of Jest becomes a file of its own, word for word. */
function moved({ isModule }: Project, text: string, config: Node): FileChange[] {
  const head = isModule
    ? `import withSeedbed from '${wrapper}'\n\nexport default withSeedbed`
    : `module.exports = require('${wrapper}')`
  // In this order: it is somewhere at any time.
  return [
    { path: 'jest.config.js', before: null, after: `${head}(${valueText(text, config)})\n` },
    { path: 'package.json', before: text, after: withoutProperty(text, config.parent!) },
  ]
}

/** What an earlier time has written, word for word, is only to be taken out of package.json. */
function halfMoved(project: Project): Changes | undefined {
  const { files, byHand: left } = planJson(project, 'package.json', project.read('package.json')!)
  const [config, rest] = files
  const isMoved = rest !== undefined && config!.after === project.read(config!.path)
  return isMoved ? { files: [rest], byHand: left } : undefined
}

/** A global set-up of the project's own takes the place of Seedbed's, unless it calls it. */
function ownGlobalSetup({ folder }: Project, named: string): ByHand[] {
  const path = named.replace(/^<rootDir>\//, '').replace(/^\.\//, '')
  const text = textOf(join(folder, path))
  if (text === undefined || text.includes(`${preset}/global-setup`)) return []
  return [
    {
      path,
      why: "it takes the place of Seedbed's global set-up, and has to call it, with the two configs that Jest gives it",
      lines: [
        `const { default: seedbed } = await import('${preset}/global-setup')`,
        'await seedbed(globalConfig, projectConfig)',
      ],
    },
  ]
}

function byHand(path: string, why: string): Changes {
  return {
    files: [],
    byHand: [
      {
        path,
        why,
        lines: [
          `const withSeedbed = require('${wrapper}')`,
          'module.exports = withSeedbed({ /* the config as it is */ })',
        ],
      },
    ],
  }
}
