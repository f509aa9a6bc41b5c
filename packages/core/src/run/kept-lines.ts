import type { KeptTest } from './channel.js'

/** How to get into a database that was kept: the command in a line of its own, to be copied as it is. */
export function accessLines({ command, password }: Pick<KeptTest, 'command' | 'password'>): string[] {
  return [`  ${command}`, ...(password === null ? [] : [`  (psql asks for the password in ${password})`])]
}
