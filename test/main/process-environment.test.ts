import { expect, test } from 'vitest';
import { takeVariables } from '../../src/main/process-environment.ts';

test('what a job has put into variables leaves the process, whatever it is called; what Node and its libraries need stays', () => {
  const secrets = {
    AZURE_CLIENT_SECRET: '1',
    AZURE_CLIENT_CERTIFICATE_PASSWORD: '2',
    AZURE_FEDERATED_TOKEN_FILE: '/token',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: '3',
    'INPUT_GITHUB-TOKEN': '4',
    ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN: '5',
    SECRET_AGENT_PROXYPASSWORD: '6',
    HTTPS_PROXY: 'http://user:password@proxy',
    NODE_AUTH_TOKEN: '7',
    ANY_OTHER: '8',
    // The log of the SDK.
    AZURE_LOG_LEVEL: 'verbose',
  };
  const needed = { Path: '/bin', HOME: '/home', NODE_EXTRA_CA_CERTS: 'ca.pem', SystemRoot: 'C:\\Windows', IDENTITY_ENDPOINT: 'http://x' };
  const target: Record<string, string | undefined> = { ...secrets, ...needed };
  expect(takeVariables(target)).toEqual({ ...secrets, ...needed });
  expect(target).toEqual(needed);
});
