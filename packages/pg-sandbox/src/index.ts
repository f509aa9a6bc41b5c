export { openSandbox, type EnterOptions, type LeaveOptions, type Sandbox, type SandboxOptions } from './open-sandbox.js'
export type { DirectCounts } from './direct-counts.js'
export type { Footprint, FootprintDetails } from './footprint.js'
export { SandboxError, type SandboxErrorCode } from './errors.js'
