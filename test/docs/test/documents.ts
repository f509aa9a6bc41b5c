import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../scripts/workspaces.mjs'

/** A fenced block of a document. */
export interface Snippet {
  document: string
  line: number
  /** The heading of level 1 or 2 that it stands under. */
  section: string
  /** What stands behind the fence; empty for none. */
  language: string
  text: string
  /** The file that its first line names in a comment: `// seeds/users.ts`. */
  file: string | undefined
}

/** The READMEs whose snippets are run, and the guides, from the repository's root. */
export const documents = [
  'README.md',
  'packages/cli/README.md',
  'packages/pg-sandbox/README.md',
  ...readdirSync(join(root, 'docs/guide')).map(name => `docs/guide/${name}`),
]

export function read(document: string): string {
  return readFileSync(join(root, document), 'utf8')
}

export function snippetsOf(document: string): Snippet[] {
  const snippets: Snippet[] = []
  let section = ''
  let open: Snippet | undefined
  for (const [index, line] of read(document).split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(line)
    if (open && fence) {
      open.file = /^(?:\/\/|--) (\S+\.\w+)\b/.exec(open.text)?.[1]
      snippets.push(open)
      open = undefined
    } else if (open) open.text += `${line}\n`
    else if (fence) open = { document, line: index + 2, section, language: fence[1]!, text: '', file: undefined }
    else section = /^##? (.+)$/.exec(line)?.[1] ?? section
  }
  return snippets
}
