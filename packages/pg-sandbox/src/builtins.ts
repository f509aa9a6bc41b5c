/*
 * Two of Node's own modules, for what each process with tests loads. `import` makes an ES module of each, which takes a quarter
 * of a millisecond for `net`; and what is not there yet needs no `syncBuiltinESMExports` either, which takes another.
 */
export const net = process.getBuiltinModule('node:net')
export const childProcess = process.getBuiltinModule('node:child_process')
