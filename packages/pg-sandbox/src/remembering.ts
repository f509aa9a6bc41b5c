/** Texts come again from test to test; those that are longer, or come when there are so many already, are not kept. */
const [longest, most] = [2_000, 1_000]

/** The same function of a text, which looks at each text once. */
export function remembering<Result>(look: (text: string) => Result): (text: string) => Result {
  const seen = new Map<string, Result>()
  return text => {
    const known = seen.get(text)
    if (known !== undefined) return known
    const result = look(text)
    if (text.length <= longest && seen.size < most) seen.set(text, result)
    return result
  }
}
