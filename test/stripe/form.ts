import { Ajv, type ErrorObject } from 'ajv'
import { type Operation, SCHEMAS } from './schema.js'

/** What a form says: texts, lists and objects of them. */
export type Form = { [name: string]: string | Form | Form[] | string[] }

/** Reads `a[b]=c` and `a[0]=c`, as Stripe does. */
export function parseForm(body: string): Form {
  const form: Form = Object.create(null)
  for (const [name, value] of new URLSearchParams(body)) put(form, name.replaceAll(']', '').split('['), value)
  return form
}

function put(form: Form, [name = '', ...rest]: readonly string[], value: string): void {
  const [next] = rest
  if (next === undefined) {
    form[name] = value
    return
  }
  if (next === '' || /^\d+$/.test(next)) {
    const list = Array.isArray(form[name]) ? [...form[name]].map(String) : []
    form[name] = [...list, value]
    return
  }
  const inner = form[name]
  const object: Form = typeof inner === 'object' && !Array.isArray(inner) ? inner : Object.create(null)
  form[name] = object
  put(object, rest, value)
}

/** What Stripe answers to a body that its description does not allow. */
export interface BadParameter {
  readonly code: string
  readonly param: string
  readonly message: string
}

// In a form everything is text: numbers and booleans are read from it.
const ajv = new Ajv({ coerceTypes: true, allErrors: false, strict: false })
const checks = new Map(Object.entries(SCHEMAS).map(([name, schema]) => [name, ajv.compile(schema)]))

/** Holds a form against the published description. Undefined: it fits. */
export function validate(operation: Operation, form: Form): BadParameter | undefined {
  const check = checks.get(operation)
  if (check === undefined) throw new Error(`no schema for ${operation}`)
  // Coercing writes into the object.
  return check(structuredClone(plain(form))) ? undefined : badParameter(check.errors?.[0])
}

function plain(form: Form): unknown {
  return JSON.parse(JSON.stringify(form))
}

function badParameter(error: ErrorObject | undefined): BadParameter {
  const path = (error?.instancePath ?? '').split('/').slice(1)
  const at = (more: unknown) => {
    const [first = '', ...rest] = [...path, ...(more === undefined ? [] : [String(more)])]
    return first + rest.map((name) => `[${name}]`).join('')
  }
  if (error?.keyword === 'additionalProperties') {
    const param = at(error.params['additionalProperty'])
    return { code: 'parameter_unknown', param, message: `Received unknown parameter: ${param}` }
  }
  if (error?.keyword === 'required') {
    const param = at(error.params['missingProperty'])
    return { code: 'parameter_missing', param, message: `Missing required param: ${param}.` }
  }
  return { code: 'parameter_invalid', param: at(undefined), message: `Invalid ${at(undefined)}` }
}
