import { expect, test } from 'vitest'
import { manifest, planOf } from './support.js'

const usual = { 'package.json': manifest(['vitest']) }
const header = "import { defineConfig } from 'vitest/config'\nimport seedbed from '@seedbed/vitest/plugin'\n"

test.each([
  ['TypeScript, ES modules', manifest(['vitest', 'typescript'], { type: 'module' }), 'vitest.config.ts'],
  ['TypeScript, CommonJS', manifest(['vitest', 'typescript']), 'vitest.config.mts'],
  ['JavaScript, ES modules', manifest(['vitest'], { type: 'module' }), 'vitest.config.js'],
  ['JavaScript, CommonJS', manifest(['vitest']), 'vitest.config.mjs'],
])('without a config there is a new one: %s', async (_, text, path) => {
  const { after, byHand } = await planOf({ 'package.json': text })
  expect(after[path]).toBe(`${header}\nexport default defineConfig({ plugins: [seedbed()] })\n`)
  expect(byHand).toEqual({})
})

// Without its import, which each gets behind the imports that it has.
test.each([
  ['defineConfig({})', 'defineConfig({ plugins: [seedbed()] })'],
  ['defineConfig({ test: {} })', 'defineConfig({ plugins: [seedbed()], test: {} })'],
  ['{test: {}}', '{ plugins: [seedbed()], test: {}}'],
  ['{ test: {} } satisfies UserConfig', '{ plugins: [seedbed()], test: {} } satisfies UserConfig'],
  [
    'defineConfig({\n    // ours\n    test: { globals: true }, // all\n})',
    'defineConfig({\n    plugins: [seedbed()],\n    // ours\n    test: { globals: true }, // all\n})',
  ],
  ['defineConfig({ plugins: [] })', 'defineConfig({ plugins: [seedbed()] })'],
  ['defineConfig({ plugins: [react()] })', 'defineConfig({ plugins: [react(), seedbed()] })'],
  [
    'defineConfig({\n  plugins: [\n    react(), // first\n    vue(),\n  ],\n})',
    'defineConfig({\n  plugins: [\n    react(), // first\n    vue(),\n    seedbed(),\n  ],\n})',
  ],
  ['defineConfig({ plugins: shared })', 'defineConfig({ plugins: [shared, seedbed()] })'],
  ['defineConfig({ plugins })', 'defineConfig({ plugins: [plugins, seedbed()] })'],
  ['defineConfig({ ...base, plugins: [a()] })', 'defineConfig({ ...base, plugins: [a(), seedbed()] })'],
  ['defineConfig(() => ({ test: {} }))', 'defineConfig(() => ({ plugins: [seedbed()], test: {} }))'],
  [
    "defineConfig(async ({ mode }) => {\n  if (mode === 'x') return { plugins: [a()] }\n  return { test: {} }\n})",
    "defineConfig(async ({ mode }) => {\n  if (mode === 'x') return { plugins: [a(), seedbed()] }\n  return { plugins: [seedbed()], test: {} }\n})",
  ],
  ['mergeConfig(base, { test: {} })', 'mergeConfig(base, { plugins: [seedbed()], test: {} })'],
  [
    'mergeConfig(base, defineConfig({ test: {} }))',
    'mergeConfig(base, defineConfig({ plugins: [seedbed()], test: {} }))',
  ],
  [
    "defineConfig({\n  test: {\n    projects: [{ extends: true, test: { name: 'a' } }, { test: { name: 'b' } }],\n  },\n})",
    "defineConfig({\n  plugins: [seedbed()],\n  test: {\n    projects: [{ extends: true, test: { name: 'a' } }, { plugins: [seedbed()], test: { name: 'b' } }],\n  },\n})",
  ],
  [
    "{ test: { workspace: [{ test: { name: 'a' } }] } }",
    "{ plugins: [seedbed()], test: { workspace: [{ plugins: [seedbed()], test: { name: 'a' } }] } }",
  ],
])('the plugin is put into what is there, and nothing else is touched: %s', async (before, after) => {
  const start = "import { defineConfig } from 'vitest/config'\n"
  const planned = await planOf({ ...usual, 'vitest.config.ts': `${start}\nexport default ${before}\n` })
  expect(planned.byHand).toEqual({})
  expect(planned.after['vitest.config.ts']).toBe(`${header}\nexport default ${after}\n`)
})

test('a variable, quotes, semicolons and line ends as the file has them', async () => {
  const before =
    'import { defineConfig } from "vitest/config";\r\n\r\nconst config = defineConfig({\r\n\ttest: {},\r\n});\r\nexport default config;\r\n'
  const { after } = await planOf({ ...usual, 'vite.config.ts': before })
  expect(after['vite.config.ts']).toBe(
    'import { defineConfig } from "vitest/config";\r\nimport seedbed from "@seedbed/vitest/plugin";\r\n\r\nconst config = defineConfig({\r\n\tplugins: [seedbed()],\r\n\ttest: {},\r\n});\r\nexport default config;\r\n',
  )
})

test('a config in CommonJS, and one without any import', async () => {
  const common = await planOf({
    ...usual,
    'vitest.config.js': "const path = require('node:path')\nmodule.exports = {}\n",
  })
  expect(common.after['vitest.config.js']).toBe(
    "const path = require('node:path')\nconst { default: seedbed } = require('@seedbed/vitest/plugin')\nmodule.exports = { plugins: [seedbed()] }\n",
  )
  const bare = await planOf({ ...usual, 'vitest.config.js': "'use strict'\n// what it is for\nmodule.exports = {}\n" })
  expect(bare.after['vitest.config.js']).toBe(
    "'use strict'\nconst { default: seedbed } = require('@seedbed/vitest/plugin')\n\n// what it is for\nmodule.exports = { plugins: [seedbed()] }\n",
  )
})

test("Vitest's own config goes before Vite's", async () => {
  const { after } = await planOf({
    ...usual,
    'vite.config.ts': 'export default {}',
    'vitest.config.mts': 'export default {}',
  })
  expect(Object.keys(after)).toContain('vitest.config.mts')
  expect(Object.keys(after)).not.toContain('vite.config.ts')
})

test.each([
  ['what does not parse', 'export default {', /does not parse/],
  ['a function of its own', 'export default makeConfig({})', /not an object that can be seen/],
  [
    'a config that takes in another behind its plugins',
    'export default { plugins: [a()], ...base }',
    /takes in another config/,
  ],
  ['a config that takes in another', 'export default { ...base }', /takes in another config/],
  [
    'a config that is changed later',
    'const config = {}\nconfig.plugins = [a()]\nexport default config',
    /changed after it was made/,
  ],
  ['an imported config', "import config from './base'\nexport default config", /not an object/],
  ['projects that are made elsewhere', 'export default { test: { projects: [...all] } }', /projects stand there/],
  [
    'a project that extends a file',
    "export default { test: { projects: [{ extends: './a.ts' }] } }",
    /extends another file/,
  ],
])('%s is left alone, and the lines to add are said', async (_, text, why) => {
  const { plan, after, byHand } = await planOf({ ...usual, 'vitest.config.ts': text })
  expect(after).not.toHaveProperty(['vitest.config.ts'])
  expect(byHand['vitest.config.ts']).toMatch(why)
  expect(plan.byHand[0]!.lines).toEqual(["import seedbed from '@seedbed/vitest/plugin'", 'plugins: [seedbed()]'])
})

test('projects that are paths have configs of their own: that is said, and the root gets the plugin', async () => {
  const text = "export default { test: { projects: ['packages/*'] } }\n"
  const { after, byHand } = await planOf({ ...usual, 'vitest.config.ts': text })
  expect(after['vitest.config.ts']).toContain('plugins: [seedbed()]')
  expect(byHand['vitest.config.ts']).toMatch(/^the projects 'packages\/\*' have configs of their own/)
  const workspace = await planOf({ ...usual, 'vitest.workspace.ts': "export default ['packages/*']" })
  expect(workspace.byHand['vitest.workspace.ts']).toMatch(/configs of their own/)
})

test('a config that has the plugin is in place', async () => {
  const { after, byHand } = await planOf({
    ...usual,
    'vitest.config.ts': `${header}export default defineConfig({ plugins: [seedbed()] })`,
  })
  expect(Object.keys(after).toSorted()).toEqual(['.gitignore', 'test/database.test.js'])
  expect(byHand).toEqual({})
})
