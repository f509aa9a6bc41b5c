import { errorKinds as environmentErrorKinds } from '@seedbed/environments/error-kinds'
import { configErrorKinds } from '../config/errors.js'
import { environmentCommandErrorKinds } from '../environment/errors.js'
import { initErrorKinds } from '../init/errors.js'
import { migrationErrorKinds } from '../migrations/errors.js'
import { preflightErrorKinds } from '../preflight/errors.js'
import { prepareErrorKinds } from '../prepare/errors.js'
import { preserveErrorKinds } from '../preserve/errors.js'
import { resetErrorKinds } from '../reset/errors.js'
import { seedErrorKinds } from '../seeds/errors.js'
import { labelErrorKinds } from '../seeds/label-errors.js'
import { containerErrorKinds } from '../server/container-errors.js'
import { serverErrorKinds } from '../server/errors.js'
import { templateErrorKinds } from '../template/errors.js'
import { workerErrorKinds } from '../worker/errors.js'

/** A kind of error whose details' type is forgotten; `message` and `hint` take its `example`. */
interface DocumentedKind {
  title: string
  why: string
  message(details: never): string
  hint(details: never): string
  example: unknown
}

/** Every kind of error by room and code: what `npm run docs` makes docs/errors from. */
export const errorKinds: Record<string, Record<string, DocumentedKind>> = {
  config: configErrorKinds,
  environments: environmentErrorKinds,
  environment: environmentCommandErrorKinds,
  server: { ...serverErrorKinds, ...containerErrorKinds },
  migrations: migrationErrorKinds,
  seeds: { ...seedErrorKinds, ...labelErrorKinds },
  template: templateErrorKinds,
  worker: workerErrorKinds,
  prepare: prepareErrorKinds,
  preflight: preflightErrorKinds,
  reset: resetErrorKinds,
  preserve: preserveErrorKinds,
  init: initErrorKinds,
}
