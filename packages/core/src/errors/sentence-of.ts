/** What the message of an error says without the hint and the code, which stand at its end. */
export const sentenceOf = (message: string) => message.split('\n\n', 1)[0]!
