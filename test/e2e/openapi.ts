import { readFileSync } from 'node:fs';
import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js';
import formats from 'ajv-formats';
import type { Exchange } from '../../src/sandbox/exchange.ts';

// biome-ignore lint/suspicious/noExplicitAny: a description is read as it is published
type Json = any;

/** A published OpenAPI description (2.0 or 3.0), held against what really went over the wire. */
export interface Description {
  /** Everything in which an exchange departs from the description. */
  problemsOf(exchange: Exchange): readonly string[];
  /** Operations that exchanges have been held against, as `METHOD template`. */
  readonly seen: ReadonlySet<string>;
}

export interface DescriptionOptions {
  /** Definitions, or parts of them as `Name/properties/member`, that do not describe what the service sends. */
  readonly open?: readonly string[];
  /** JSON pointer to the schema of error bodies that an operation does not describe. */
  readonly errors?: (status: number) => string | undefined;
  /** Changes an answer into what is described, such as the content of an envelope. */
  readonly unwrap?: (body: unknown) => unknown;
}

/** Reads descriptions that refer to each other by file name; the first that knows the path of a request describes it. */
export function readDescriptions(files: Readonly<Record<string, string>>, options: DescriptionOptions = {}): Description {
  const texts = Object.entries(files).map(([name, path]) => [name, readFileSync(path, 'utf8').replace(/^\uFEFF/, '')] as const);
  const extended = new Set(texts.flatMap(([, text]) => extendedDefinitions(text)));
  const documents = texts.map(([name, text]): [string, Json] => [name, close(JSON.parse(text), extended, options.open ?? [])]);
  const ajv = new Ajv2019({ strict: false, validateSchema: false, allErrors: true, logger: false });
  formats.default(ajv);
  ajv.addFormat('base64url', /^[\w-]*$/);
  ajv.addFormat('unixtime', true);
  for (const [name, document] of documents) {
    ajv.addSchema(document, name);
  }
  const compiled = new Map<string, ValidateFunction>();
  const validate = (pointer: string, value: unknown): readonly string[] => {
    const check = compiled.get(pointer) ?? ajv.compile({ $ref: pointer });
    compiled.set(pointer, check);
    return check(value)
      ? []
      : (check.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
  };
  const seen = new Set<string>();
  return { seen, problemsOf: (exchange) => problemsOf(exchange, { documents, validate, seen, options }) };
}

interface Context {
  readonly documents: readonly (readonly [string, Json])[];
  readonly validate: (pointer: string, value: unknown) => readonly string[];
  readonly seen: Set<string>;
  readonly options: DescriptionOptions;
}

function problemsOf({ request, answer }: Exchange, context: Context): readonly string[] {
  const { documents, validate, seen, options } = context;
  const { pathname, searchParams } = request.url;
  const method = request.method.toLowerCase();
  const found = documents.flatMap(([name, document]) =>
    Object.keys(document.paths ?? {})
      .filter((template) => toPattern(template).test(pathname) && document.paths[template][method] !== undefined)
      .map((template) => ({ name, document, template })),
  );
  // The template with the fewest parameters is the most particular one.
  const [place] = found.sort((a, b) => a.template.split('{').length - b.template.split('{').length);
  if (place === undefined) {
    return [`${request.method} ${pathname} is not described`];
  }
  const { name, document, template } = place;
  seen.add(`${request.method} ${template}`);
  const operation = document.paths[template][method];
  const pointer = `${name}#/paths/${toPointer(template)}/${method}`;
  const resolve = (value: Json, at: string): { readonly value: Json; readonly pointer: string } =>
    value?.$ref === undefined ? { value, pointer: at } : lookUp(documents, name, value.$ref);
  const parameters = [...(operation.parameters ?? [])].map((parameter: Json, index: number) =>
    resolve(parameter, `${pointer}/parameters/${index}`),
  );
  const problems = queryProblems(
    parameters.map(({ value }) => value),
    searchParams,
  );
  const body = parameters.find(({ value }) => value.in === 'body') ?? toRequestBody(operation, pointer);
  if (body !== undefined && request.body.length > 0) {
    problems.push(...validate(`${body.pointer}/schema`, parse(request.body)).map((problem) => `request: ${problem}`));
  }
  if (body === undefined && request.body.length > 0) {
    problems.push('request: there is a body');
  }
  if (body?.value.required === true && request.body.length === 0) {
    problems.push('request: there is no body');
  }
  if (answer === undefined) {
    return problems;
  }
  const described = operation.responses[answer.status] === undefined ? 'default' : String(answer.status);
  const response = resolve(operation.responses[described], `${pointer}/responses/${described}`);
  const content = response.value?.content?.['application/json'];
  const schema =
    response.value?.schema !== undefined
      ? `${response.pointer}/schema`
      : content?.schema !== undefined
        ? `${response.pointer}/content/application~1json/schema`
        : response.value === undefined
          ? options.errors?.(answer.status)
          : undefined;
  if (schema === undefined) {
    return response.value === undefined ? [...problems, `answer: ${answer.status} is not described`] : problems;
  }
  const isSuccess = answer.status < 300;
  const value = isSuccess && options.unwrap !== undefined ? options.unwrap(parse(answer.body)) : parse(answer.body);
  return [...problems, ...validate(schema, value).map((problem) => `answer ${answer.status}: ${problem}`)];
}

function queryProblems(parameters: readonly Json[], given: URLSearchParams): string[] {
  const described = parameters.filter((parameter) => parameter.in === 'query');
  return [
    ...described
      .filter(({ name, required }) => required === true && !given.has(name))
      .map(({ name }) => `request: ${name} is missing in the query`),
    ...[...given.keys()]
      .filter((name) => !described.some((parameter) => parameter.name === name))
      .map((name) => `request: ${name} is not described`),
  ];
}

function toRequestBody(operation: Json, pointer: string): { readonly value: Json; readonly pointer: string } | undefined {
  const { requestBody } = operation;
  return requestBody === undefined ? undefined : { value: requestBody, pointer: `${pointer}/requestBody/content/application~1json` };
}

function lookUp(
  documents: readonly (readonly [string, Json])[],
  from: string,
  reference: string,
): { readonly value: Json; readonly pointer: string } {
  const [file = '', path = ''] = reference.split('#');
  const name = file === '' ? from : file.replace(/^\.\//, '');
  const document = documents.find(([known]) => known === name)?.[1];
  const value = path
    .split('/')
    .slice(1)
    .reduce((current, part) => current[part.replaceAll('~1', '/').replaceAll('~0', '~')], document);
  return { value, pointer: `${name}#${path}` };
}

/** A parameter may be empty: clients leave the version out between its slashes. */
function toPattern(template: string): RegExp {
  const escaped = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\\?\{[^}]*\}/g, '[^/]*');
  return new RegExp(`^${escaped}/?$`, 'i');
}

function toPointer(template: string): string {
  return encodeURIComponent(template.replaceAll('~', '~0').replaceAll('/', '~1'));
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return body.toString('utf8');
  }
}

/** Fragments of the definitions that others extend with allOf. */
function extendedDefinitions(text: string): readonly string[] {
  const lists = [...JSON.stringify(JSON.parse(text)).matchAll(/"allOf":\[([^\]]*)\]/g)].map(([, list]) => list ?? '');
  return lists.flatMap((list) => [...list.matchAll(/"\$ref":"[^"#]*(#[^"]+)"/g)].map(([, fragment]) => fragment ?? ''));
}

/** Closes every object that does not say whether more is allowed, so that a misspelt member is found; not those that others extend. */
function close(document: Json, extended: ReadonlySet<string>, open: readonly string[]): Json {
  const walk = (value: Json, pointer: string, isPart: boolean): Json => {
    if (open.some((name) => pointer === `#/definitions/${name}`)) {
      return {};
    }
    if (Array.isArray(value)) {
      return value.map((item) => walk(item, '', isPart));
    }
    if (typeof value !== 'object' || value === null) {
      return value;
    }
    const members = Object.entries(value).filter(([key]) => key !== 'example' && key !== 'examples');
    const copy = Object.fromEntries(members.map(([key, item]) => [key, walk(item, `${pointer}/${key}`, key === 'allOf')]));
    const isObject = typeof value.properties === 'object' && (value.type === undefined || value.type === 'object');
    const isOpen = value.additionalProperties !== undefined || isPart || extended.has(pointer);
    return isObject && !isOpen ? { ...copy, unevaluatedProperties: false } : copy;
  };
  return walk(document, '#', false);
}
