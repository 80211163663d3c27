import { dockerHub } from './reference.ts';

/** What a credential of a well-known registry has to be, by its host. */
const hints: readonly (readonly [RegExp, string])[] = [
  [
    /^ghcr\.io$/,
    'On GitHub Actions give the user name ${{ github.actor }} and the password ${{ github.token }} with `permissions: packages: write`, and let the repository write to the ' +
      'package (its settings, Manage Actions access); elsewhere a classic token with write:packages.',
  ],
  [
    new RegExp(`^${dockerHub.replace('.', '\\.')}$`),
    'Docker Hub takes the user name and an access token with Read & Write (hub.docker.com, Account settings, Personal access tokens); the organisation must let this user push.',
  ],
  [
    /^(?:\d{12}\.dkr[.-]ecr[a-z0-9.-]*\.(?:amazonaws\.com(?:\.cn)?|on\.aws)|public\.ecr\.aws)$/,
    'Amazon ECR takes the user name AWS and the output of "aws ecr get-login-password" (12 hours); the repository has to be there, and its policy has to allow ecr:PutImage and the layer uploads.',
  ],
  [
    /(?:\.pkg\.dev|(?:^|\.)gcr\.io)$/,
    'Google takes the user name oauth2accesstoken with the output of "gcloud auth print-access-token" (1 hour), or _json_key with the key file; the account needs roles/artifactregistry.writer.',
  ],
  [
    /^registry\.gitlab\.com$/,
    'GitLab takes a deploy token with read_registry and write_registry, a personal access token with these scopes, or in its own jobs gitlab-ci-token with $CI_JOB_TOKEN.',
  ],
  [/^registry\.digitalocean\.com$/, 'DigitalOcean takes an API token with registry scopes both as user name and as password.'],
];

/** Undefined for one that is not known. `registry` as `Reference.registry` has it. */
export function knownRegistryHint(registry: string): string | undefined {
  return hints.find(([pattern]) => pattern.test(registry))?.[1];
}
