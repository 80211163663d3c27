import { readFile } from 'node:fs/promises';
import { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';

/**
 * The token in which Kubernetes says which service account this is, as Microsoft Entra Workload ID projects it into the pod; the kubelet writes it anew
 * before it expires. Rejects with a StepError `token-file-invalid`.
 */
export async function readTokenFile(path: string): Promise<SecretValue> {
  const text = await readFile(path, 'utf8').then(
    (content) => content.trim(),
    (error: NodeJS.ErrnoException) => {
      throw invalid(path, error.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${error.code})`);
    },
  );
  if (text === '') throw invalid(path, 'it is empty');
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) throw invalid(path, 'it holds no token');
  return new SecretValue(text);
}

function invalid(path: string, reason: string): StepError {
  return new StepError({
    code: 'token-file-invalid',
    origin: 'identity',
    message: `Cannot read the token of the service account from ${JSON.stringify(path)} (AZURE_FEDERATED_TOKEN_FILE): ${reason}`,
    hint:
      'The pod needs the label azure.workload.identity/use: "true" and a service account with the annotation azure.workload.identity/client-id; a container that ' +
      'the runner starts for the job needs the volume, too. kubectl describe pod shows both.',
  });
}
