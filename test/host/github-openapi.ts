import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import type { ReceivedRequest } from '../../src/sandbox/exchange.ts';

interface Operation {
  readonly parameters?: readonly unknown[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
}

/** GitHub's published description of its REST API. */
const description: Description = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json'), 'utf8'),
);
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats.default(ajv);

/** What the published description does not allow of a request; its path, its query and its body. */
export function findViolations(request: ReceivedRequest): readonly string[] {
  const [template, path] = Object.entries(description.paths).find(([text]) => toPattern(text).test(request.url.pathname)) ?? [];
  const operation = path?.[request.method.toLowerCase()];
  if (template === undefined || operation === undefined) return [`${request.method} ${request.url.pathname} is not an operation`];
  const known = new Set((operation.parameters ?? []).map((parameter) => toName(parameter)));
  const unknown = [...request.url.searchParams.keys()].filter((name) => !known.has(name));
  const schema = operation.requestBody?.content['application/json']?.schema;
  if (schema === undefined) return [...unknown, ...(request.body.length > 0 ? ['a body that is not described'] : [])];
  const validate = ajv.compile({ ...schema, components: description.components });
  validate(JSON.parse(request.body.toString()));
  return [...unknown, ...(validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)];
}

function toPattern(template: string): RegExp {
  return new RegExp(`^${template.replace(/[.]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}$`);
}

function toName(parameter: unknown): string | undefined {
  const { $ref, name } = parameter as { $ref?: string; name?: string };
  if ($ref === undefined) return name;
  const found = $ref
    .slice(2)
    .split('/')
    .reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], description);
  return (found as { name?: string }).name;
}
