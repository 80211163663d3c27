/** What to do about a secret, by its rule: how to make it worthless where it leaked, which taking it out of the image does not. */
export function secretRemedy(rule: string, deletedLater: boolean): string {
  const revoke = Object.hasOwn(revocations, rule) ? revocations[rule] : 'Revoke it where it was issued';
  const remove = deletedLater
    ? 'the later instruction that deletes the file leaves it in its layer: keep it out of the build context (.dockerignore) or mount it with RUN --mount=type=secret'
    : 'keep it out of the image (.dockerignore, RUN --mount=type=secret for the build, a mounted secret at run time)';
  return `${revoke}, and ${remove}.`;
}

/** A secret in the configuration, where every pull of the image shows it. */
export function configSecretRemedy(rule: string, place: string): string {
  const revoke = Object.hasOwn(revocations, rule) ? revocations[rule] : 'Replace it';
  const remove =
    place === 'history'
      ? 'pass it to the build with RUN --mount=type=secret instead of ARG or ENV'
      : 'pass it when the container starts, from the platform’s secret store';
  return `${revoke}, and ${remove}.`;
}

const revocations: Readonly<Record<string, string>> = {
  'private-key': 'Make a new key and withdraw this one wherever its public half is trusted (authorized_keys, certificates)',
  'encrypted-private-key': 'Make a new key unless its passphrase is strong and nowhere in the image',
  'aws-access-key': 'Deactivate and delete the access key in IAM (aws iam update-access-key --status Inactive)',
  'aws-access-key-id': 'Find out where the secret of this access key is kept, and delete the key in IAM if it is in the image too',
  'github-token': 'Revoke the token (GitHub: Settings, Developer settings, or the app that issued it)',
  'azure-storage-key':
    'Regenerate the key (az storage account keys renew, az cosmosdb keys regenerate) and prefer Microsoft Entra authorization',
  'azure-shared-access-key': 'Regenerate the key of the shared access policy',
  'azure-shared-access-signature':
    'Revoke the signature by removing its stored access policy or regenerating the account key that signed it',
};
