import { SeedbedError, type PrepareQuestion } from '@seedbed/core'
import { badge, printableUrl } from '@seedbed/environments'
import { askConsent, type Answer } from './ask.js'
import { contentsLines } from './contents-lines.js'
import { say } from './print.js'

/**
 * Runs what has to ask somebody. At a terminal its questions are shown there; elsewhere nobody can be asked.
 *
 * @returns what `run` returns; 130 after Ctrl-C
 */
export async function confirming(
  run: (asking: { confirm?: (question: PrepareQuestion) => Promise<boolean> }) => Promise<number>,
): Promise<number> {
  if (!process.stdin.isTTY) return run({})
  let answer: Answer | undefined
  try {
    return await run({
      confirm: async question => {
        answer = await askConsent(questionLines(question).join('\n'))
        return answer === 'yes'
      },
    })
  } catch (error) {
    if (!(error instanceof SeedbedError) || answer !== 'interrupted') throw error
    say('interrupted: nothing more was done')
    return 130
  }
}

function questionLines({ about, environment, contents }: PrepareQuestion): string[] {
  const label = badge(environment, process.stderr)
  const { name, databases } = environment
  const places = Object.values(databases).map(address => printableUrl(address!.url))
  if (about === 'production') {
    return [`${label} ${name}: ${places.join(', ')}`, 'This is production, and its pending migrations would run.']
  }
  return [
    ...contents.flatMap(({ place, contents }) => [place, ...contentsLines(contents)].map(line => `${label} ${line}`)),
    `All of it goes, and ${name} begins anew.`,
  ]
}
