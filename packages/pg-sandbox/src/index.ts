export { openSandbox, type Sandbox, type SandboxOptions } from './open-sandbox.js'
export type { Footprint } from './footprint.js'
export { SandboxError, type SandboxErrorCode } from './errors.js'
