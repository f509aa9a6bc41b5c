/**
 * The pages of docs/errors.
 *
 * @param {Record<string, Record<string, any>>} errorKinds by room and code
 * @returns {Map<string, string>} text by file name
 */
export function errorPages(errorKinds) {
  const pages = new Map([['README.md', listOfErrors(errorKinds)]])
  for (const kinds of Object.values(errorKinds)) {
    for (const [code, kind] of Object.entries(kinds)) pages.set(`${code}.md`, errorPage(code, kind))
  }
  return pages
}

function listOfErrors(errorKinds) {
  const rooms = Object.entries(errorKinds).map(([room, kinds]) => {
    const lines = Object.entries(kinds).map(([code, { title }]) => `- [${code}](${code}.md): ${title}`)
    return `## ${room[0].toUpperCase()}${room.slice(1)}\n\n${lines.join('\n')}\n`
  })
  return `# Errors by code

Every error of Seedbed ends with its code. Its page says why it happens and what to do.

${rooms.join('\n')}
<!-- Made by \`npm run docs\` from packages/core/src/errors/table.ts; not edited by hand. -->
`
}

function errorPage(code, kind) {
  const message = kind.message(kind.example).trim()
  const hint = kind.hint(kind.example)
  const text = `${message}\n\n${hint}`
  // A fence has to be longer than any that the message itself holds.
  const fence = '`'.repeat(Math.max(3, ...[...text.matchAll(/`{3,}/g)].map(([ticks]) => ticks.length + 1)))
  return `# ${code}

**${kind.title}.**

${kind.why}

## For example

${fence}text
${message}
${fence}

## What to do

${fence}text
${hint}
${fence}

[All errors](README.md)

<!-- Made by \`npm run docs\` from packages/core/src/errors/table.ts; not edited by hand. -->
`
}
