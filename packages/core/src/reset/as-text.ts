/** Settings under which a value's text, read here, is the same value there (manual, 8.5.2, 20.11.2). */
export const asText =
  "set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC'; set bytea_output = 'hex'; set extra_float_digits = 1; set xmloption = 'content'"
