const settings = {
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  xmloption: 'content',
}

/** The settings under which a value's text, read here, is the same value there (manual, 8.5.2, 20.11.2). */
export const textSettings = Object.keys(settings)

/** Sets them. */
export const asText = Object.entries(settings)
  .map(([name, value]) => `set ${name} = '${value}'`)
  .join('; ')
