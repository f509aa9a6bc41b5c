/**
 * `node --import @seedbed/environments/register script.js`: from here on DATABASE_URL and PG* lead to the environment that the
 * rules choose, and variables that lead to a protected one refuse, so that a script that reads them, or loads `.env`, is safe
 * as it is. Under a test runner it changes nothing: the run has set them.
 */
import { protectProcess } from './application/protect-process.js'

protectProcess()
