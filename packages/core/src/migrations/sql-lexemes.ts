/**
 * Goes over a text from one string, quoted name, comment, dollar quote or word to the next, as PostgreSQL's scanner does
 * (manual, 4.1, Lexical Structure), to tell whether a place lies inside of one. That is all that is asked here; what
 * has to be understood goes to PostgreSQL's own parser, which takes seconds for a dump of some megabytes.
 */
export interface Lexemes {
  /** The start of the first lexeme that begins at `offset` or behind it and has more in it than `offset`, if any. */
  insideUntil(offset: number): number | undefined
}

/**
 * @param start where in the text the first statement begins, outside of everything
 * @param backslashes whether a backslash escapes in every string (standard_conforming_strings off)
 * @example lexemesOf("select 'a\n\\b'", 0, false).insideUntil(10) // 13: inside of a string that ends there
 */
export function lexemesOf(text: string, start: number, backslashes: boolean): Lexemes {
  const pattern = new RegExp(
    [...(backslashes ? [escapedString('')] : [escapedString('[eE]'), plainString]), ...others].join('|'),
    'g',
  )
  let begun = start
  let ended = start
  return {
    insideUntil(offset) {
      while (ended <= offset) {
        pattern.lastIndex = ended
        const found = pattern.exec(text)
        if (!found) return undefined
        begun = found.index
        ended = endOf(text, found)
      }
      return begun < offset ? ended : undefined
    },
  }
}

/** Unterminated, a string goes on to the end of the text. */
function escapedString(prefix: string): string {
  return `${prefix}'(?:[^'\\\\]+|\\\\[^]|'')*(?:'|$)`
}

// two apostrophes within a string end it and begin the next: the same for our purpose
const plainString = "'[^']*(?:'|$)"
const others = [
  '"[^"]*(?:"|$)',
  '--[^\\n]*',
  '/\\*',
  '\\$(?:[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)?\\$',
  // a dollar sign within a word begins nothing
  '[A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*',
]

function endOf(text: string, { 0: lexeme, index }: RegExpExecArray): number {
  const end = index + lexeme.length
  if (lexeme === '/*') return endOfComment(text, end)
  if (!lexeme.startsWith('$')) return end
  const close = text.indexOf(lexeme, end)
  return close === -1 ? text.length : close + lexeme.length
}

/** Comments nest. */
function endOfComment(text: string, from: number): number {
  const bracket = /\/\*|\*\//g
  bracket.lastIndex = from
  for (let depth = 1; depth > 0;) {
    const found = bracket.exec(text)
    if (!found) return text.length
    depth += found[0] === '/*' ? 1 : -1
  }
  return bracket.lastIndex
}
