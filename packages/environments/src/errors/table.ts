import { auditErrorKinds } from '../audit/errors.js'
import { guardErrorKinds } from '../guard/errors.js'
import { applicationErrorKinds } from '../application/errors.js'
import { environmentErrorKinds } from '../resolve/errors.js'

/** Every kind of error of this package by code: a part of core's table, which docs/errors is made from. */
export const errorKinds = { ...environmentErrorKinds, ...applicationErrorKinds, ...auditErrorKinds, ...guardErrorKinds }
